using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Boon.Architecture;

/// <summary>A function fits on a screen: whoever reads it sees all of it.</summary>
public sealed class FunctionTests
{
    /// <summary>
    /// Lines of a function, without its comments and attributes. Functions inside it count in it, and by themselves. A function that is one
    /// text (a statement of SQL) is not code.
    /// </summary>
    private const int MostLines = 70;

    [Fact]
    public void Functions_are_short()
    {
        var files = new[] { "src", "tests", "bench" }
            .SelectMany(folder => Directory.GetFiles(Path.Combine(Support.Checkout.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => ModuleTests.IsSource(file) && !file.Contains("/node_modules/", StringComparison.Ordinal)).ToList();
        files.Count.ShouldBeGreaterThan(250);
        files.SelectMany(file => LongFunctions(File.ReadAllText(file)).Select(function => $"{file}:{function}")).ShouldBeEmpty();
    }

    [Fact]
    public void Methods_constructors_accessors_and_functions_in_functions_are_measured()
    {
        var body = string.Concat(Enumerable.Repeat("        Do();\n", MostLines));
        LongFunctions($"class C\n{{\n    void M()\n    {{\n{body}    }}\n}}").ShouldBe([$"3: M has {MostLines + 3} lines"]);
        LongFunctions($"class C\n{{\n    C()\n    {{\n{body}    }}\n}}").ShouldBe([$"3: C has {MostLines + 3} lines"]);
        LongFunctions($"class C\n{{\n    int P\n    {{\n        get\n        {{\n{body}        }}\n    }}\n}}")
            .ShouldBe([$"5: get has {MostLines + 3} lines"]);
        LongFunctions($"class C\n{{\n    void M()\n    {{\n{body[..^36]}    }}\n}}").ShouldBeEmpty("this one is as long as one may be");
    }

    [Fact]
    public void Comments_attributes_and_texts_do_not_count()
    {
        string Many(string line) => string.Concat(Enumerable.Repeat($"    {line}\n", MostLines));
        LongFunctions($"class C\n{{\n{Many("/// text")}    void M() {{ }}\n}}").ShouldBeEmpty();
        LongFunctions($"class C\n{{\n{Many("[InlineData(1)]")}    void M(int n) {{ }}\n}}").ShouldBeEmpty();
        LongFunctions($"class C\n{{\n    string M() => $\"\"\"\n{Many("select 1")}    \"\"\";\n}}").ShouldBeEmpty();
    }

    private static IEnumerable<string> LongFunctions(string text) =>
        from node in CSharpSyntaxTree.ParseText(text).GetRoot().DescendantNodes()
        let name = NameOf(node)
        where name is not null && !IsText(node)
        let first = LineOf(node, FirstToken(node).SpanStart)
        let lines = LineOf(node, node.Span.End) - first + 1
        where lines > MostLines
        select $"{first}: {name} has {lines} lines";

    private static int LineOf(SyntaxNode node, int position) => node.SyntaxTree.GetText().Lines.GetLinePosition(position).Line + 1;

    private static SyntaxToken FirstToken(SyntaxNode node) =>
        node.ChildNodesAndTokens().First(child => !child.IsKind(SyntaxKind.AttributeList)) is var first && first.IsToken
            ? first.AsToken() : first.AsNode()!.GetFirstToken();

    private static bool IsText(SyntaxNode node) =>
        node is MethodDeclarationSyntax { ExpressionBody.Expression: LiteralExpressionSyntax or InterpolatedStringExpressionSyntax };

    private static string? NameOf(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax method => method.Identifier.Text,
        ConstructorDeclarationSyntax constructor => constructor.Identifier.Text,
        AccessorDeclarationSyntax accessor => accessor.Keyword.Text,
        LocalFunctionStatementSyntax local => local.Identifier.Text,
        OperatorDeclarationSyntax @operator => @operator.OperatorToken.Text,
        _ => null,
    };
}
