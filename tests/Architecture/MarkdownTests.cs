namespace Boon.Architecture;

/// <summary>Texts that people read are as narrow as a page: whoever compares two versions of one sees whole lines.</summary>
public sealed class MarkdownTests
{
    /// <summary>Characters in a line. Tables, code, headings and bare links may be longer: Markdown cannot break them.</summary>
    private const int Width = 110;

    [Fact]
    public void Lines_of_Markdown_are_short()
    {
        var pages = Pages(new DirectoryInfo(Support.Checkout.Root)).ToList();
        pages.Count.ShouldBeGreaterThan(40);
        pages.SelectMany(page => LongLines(File.ReadLines(page.FullName)).Select(line => $"{page.FullName}:{line}")).ShouldBeEmpty();
    }

    [Fact]
    public void Tables_code_headings_and_bare_links_may_be_long()
    {
        var longest = new string('x', Width);
        LongLines([longest, $"# {longest}", $"| {longest} |", $"- https://{longest}", "```sh", longest + "x", "```"]).ShouldBeEmpty();
        LongLines([$"x {longest}", "```", "```", $"- x {longest}"]).ShouldBe([1, 4]);
    }

    [Fact]
    public void Every_page_of_the_guide_and_every_decision_is_in_the_list()
    {
        var docs = Path.Combine(Support.Checkout.Root, "docs");
        var list = File.ReadAllText(Path.Combine(docs, "README.md"));
        foreach (var folder in (string[])["guide", "adr"])
            Directory.GetFiles(Path.Combine(docs, folder), "*.md").Select(file => $"]({folder}/{Path.GetFileName(file)})")
                .Where(link => !list.Contains(link, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private static IEnumerable<int> LongLines(IEnumerable<string> lines)
    {
        var code = false;
        foreach (var (index, line) in lines.Index())
        {
            var text = line.TrimStart(' ', '-');
            if (text.StartsWith("```", StringComparison.Ordinal))
                code = !code;
            else if (!code && line.Length > Width && !CannotBeBroken(text))
                yield return index + 1;
        }
    }

    private static bool CannotBeBroken(string text) => text is ['|' or '#', ..] || !text.Contains(' ', StringComparison.Ordinal);

    /// <summary>Every page of the repository; folders of builds, tests and tools hold none of ours.</summary>
    private static IEnumerable<FileInfo> Pages(DirectoryInfo folder) =>
        folder.EnumerateFiles("*.md").Concat(folder.EnumerateDirectories()
            .Where(inner => inner.Name[0] != '.' && inner.Name is not ("bin" or "obj" or "artifacts" or "node_modules")
                && inner.LinkTarget is null)
            .SelectMany(Pages));
}
