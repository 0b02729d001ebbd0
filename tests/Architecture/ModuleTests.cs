using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Boon.Architecture;

/// <summary>The rules between projects. Every project is found by looking, none is listed.</summary>
public sealed partial class ModuleTests
{
    private static IEnumerable<string> Projects =>
        Directory.GetFiles(Path.Combine(Support.Checkout.Root, "src"), "*.csproj", SearchOption.AllDirectories);

    private static string[] ReferencesOf(string project) =>
        [.. XDocument.Load(project).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))];

    /// <summary>A module is a project with a file NameModule.cs.</summary>
    private static List<string> Modules =>
        [.. Projects.Where(project =>
            File.Exists(Path.Combine(Path.GetDirectoryName(project)!, Path.GetFileNameWithoutExtension(project) + "Module.cs")))];

    [Fact]
    public void There_are_modules() => Modules.Count.ShouldBeGreaterThanOrEqualTo(2);

    [Fact]
    public void A_module_references_Contracts_and_Platform_only()
    {
        foreach (var module in Modules)
            ReferencesOf(module).ShouldBeEmpty(module);
        ReferencesOf(Path.Combine(Support.Checkout.Root, "src/Module.props")).ShouldBe(["Contracts", "Platform"]);
    }

    [Fact]
    public void Contracts_references_nothing_and_Platform_Contracts_only()
    {
        ReferencesOf(Path.Combine(Support.Checkout.Root, "src/Contracts/Contracts.csproj")).ShouldBeEmpty();
        ReferencesOf(Path.Combine(Support.Checkout.Root, "src/Platform/Platform.csproj")).ShouldBe(["Contracts"]);
        XDocument.Load(Path.Combine(Support.Checkout.Root, "src/Contracts/Contracts.csproj")).Descendants("PackageReference")
            .ShouldBeEmpty();
    }

    [Fact]
    public void No_module_names_another_modules_schema_in_SQL()
    {
        var names = Modules.ConvertAll(module => Path.GetFileNameWithoutExtension(module)!.ToLowerInvariant());
        foreach (var module in Modules)
        {
            var own = Path.GetFileNameWithoutExtension(module)!.ToLowerInvariant();
            foreach (var file in Directory.GetFiles(Path.GetDirectoryName(module)!, "*.cs", SearchOption.AllDirectories).Where(IsSource))
                foreach (Match table in Table().Matches(File.ReadAllText(file)))
                    names.Where(name => name != own).ShouldNotContain(table.Groups["schema"].Value, $"{file}: {table.Value}");
        }
    }

    [Fact]
    public void Every_route_is_mapped_in_the_file_of_its_use_case_and_the_module_lists_it()
    {
        foreach (var module in Modules)
        {
            var list = File.ReadAllText(
                Path.Combine(Path.GetDirectoryName(module)!, Path.GetFileNameWithoutExtension(module) + "Module.cs"));
            foreach (var file in Directory.GetFiles(Path.GetDirectoryName(module)!, "*.cs", SearchOption.AllDirectories).Where(IsSource))
                if (Route().IsMatch(File.ReadAllText(file)))
                    list.ShouldContain($"{Path.GetFileNameWithoutExtension(file)}.Map(routes);", customMessage: file);
        }
    }

    /// <summary>Characters in a line of code: two versions of it stand side by side on a screen.</summary>
    [Fact]
    public void Lines_of_code_are_short()
    {
        foreach (var folder in (string[])["src", "bench", "tests"])
            foreach (var file in Directory.GetFiles(Path.Combine(Support.Checkout.Root, folder), "*.cs", SearchOption.AllDirectories)
                .Where(IsSource))
                File.ReadLines(file).Select((line, i) => (line.Length, Place: $"{file}:{i + 1}")).Where(line => line.Length > 140)
                    .Select(line => line.Place).ShouldBeEmpty();
    }

    [Fact]
    public void Files_of_source_are_short()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Support.Checkout.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(IsSource))
            File.ReadLines(file).Count().ShouldBeLessThanOrEqualTo(300, file);
    }

    /// <summary>Metrics call a connection of no named pool after its connection string.</summary>
    [Fact]
    public void Every_connection_belongs_to_a_pool_with_a_name()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Support.Checkout.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(IsSource))
            foreach (var nameless in (string[])["new NpgsqlConnection(", "NpgsqlDataSource.Create(", ".Build()"])
                File.ReadLines(file).Where(line => line.Contains("Npgsql", StringComparison.Ordinal)
                    && line.Contains(nameless, StringComparison.Ordinal))
                    .ShouldAllBe(line => line.Contains("{ Name = ", StringComparison.Ordinal), file);
    }

    internal static bool IsSource(string file) =>
        !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)
            && !file.Contains("/Migrations/", StringComparison.Ordinal);

    [GeneratedRegex(@"\b(?:from|join|into|update|table)\s+(?<schema>[a-z]+)\.[a-z_]+", RegexOptions.ExplicitCapture)]
    private static partial Regex Table();

    [GeneratedRegex(@"routes\.Map(Get|Post|Put|Patch|Delete)\(", RegexOptions.ExplicitCapture)]
    private static partial Regex Route();
}
