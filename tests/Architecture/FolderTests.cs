using System.Text.RegularExpressions;

namespace Boon.Architecture;

/// <summary>
/// The rules between the folders of a project. Folders, and what each names of the others, are found by looking: a file names a folder when
/// it uses its namespace, writes out one of its types behind it, or stands beneath it and names one of its types.
/// </summary>
public sealed partial class FolderTests
{
    private const string Top = ".";

    /// <summary>A file, its folder within the project, and its text.</summary>
    private sealed record Source(string Path, string Folder, string Text);

    /// <summary>That a folder names another, and the files that do.</summary>
    private sealed record Edge(string From, string To, IReadOnlyList<string> Files)
    {
        public override string ToString() => $"{From} names {To}: {string.Join(", ", Files)}";
    }

    private static IEnumerable<string> Projects =>
        Directory.GetFiles(Path.Combine(Support.Checkout.Root, "src"), "*.csproj", SearchOption.AllDirectories);

    [Fact]
    public void No_folders_of_a_project_name_each_other_in_a_circle()
    {
        foreach (var project in Projects)
            Circle(Edges(project))
                .ShouldBeEmpty(
                $"Folders of {Path.GetFileNameWithoutExtension(project)} name each other in a circle: move a type, or pass what it does.");
    }

    [Fact]
    public void Folders_that_name_others_are_found()
    {
        var edges = Edges(Projects.Single(project => Path.GetFileName(project) == "Platform.csproj"));
        edges.ShouldContain(edge => edge.From == "Units" && edge.To == "Log" && edge.Files.Contains("src/Platform/Units/Unit.cs"));
        edges.ShouldContain(edge => edge.From == "Hosting" && edge.To == "Hosting/ApiDescription");
        edges.ShouldContain(edge => edge.From == "Data" && edge.To == Top);
    }

    [Fact]
    public void A_circle_is_found_and_told_with_its_files()
    {
        Edge[] chain = [new("A", "B", ["a.cs"]), new("B", "C", ["b.cs"]), new("A", "C", ["a.cs"])];
        Circle(chain).ShouldBeEmpty();
        Circle([.. chain, new("C", "A", ["c.cs", "d.cs"])]).ShouldBe(["A names C: a.cs", "C names A: c.cs, d.cs"]);
    }

    [Fact]
    public void Namespaces_follow_the_folders()
    {
        foreach (var project in Projects)
            foreach (var source in Sources(project))
                if (Namespace().Match(source.Text) is { Success: true } match)
                    match.Groups["name"].Value.ShouldBe(NamespaceOf(project, source.Folder), source.Path);
    }

    [Fact]
    public void No_file_brings_a_folder_of_its_project_into_all_others()
    {
        foreach (var project in Projects)
        {
            var own = Regex.Escape(NamespaceOf(project, Top));
            foreach (var source in Sources(project))
                Regex.IsMatch(source.Text, $@"^global using (static )?{own}\.", RegexOptions.Multiline).ShouldBeFalse(source.Path);
            Regex.IsMatch(File.ReadAllText(project), $@"<Using Include=""{own}\.").ShouldBeFalse(project);
        }
    }

    /// <summary>
    /// Which folder names which. At the top of a module stands its table of contents, with its database and its defences: it names all and
    /// all name it. At the top of Platform stand settings and the like: it is a folder like the others, below all of them.
    /// </summary>
    private static List<Edge> Edges(string project)
    {
        var sources = Sources(project);
        var types = sources.SelectMany(source => Declared().Matches(source.Text)
            .Select(match => (source.Folder, Name: match.Groups["name"].Value)))
            .ToLookup(one => one.Folder, one => one.Name);
        var folders = types.Select(one => one.Key).Where(folder => folder != Top || Path.GetFileNameWithoutExtension(project) == "Platform")
            .ToList();
        return [.. from to in folders
                   from source in sources
                   where source.Folder != to && folders.Contains(source.Folder) && Names(project, source, to, types[to])
                   group source.Path by (source.Folder, To: to) into files
                   select new Edge(files.Key.Folder, files.Key.To, [.. files])];
    }

    private static bool Names(string project, Source source, string folder, IEnumerable<string> types)
    {
        var any = $"({string.Join('|', types.Distinct().Select(Regex.Escape))})";
        if (folder == Top || source.Folder.StartsWith(folder + "/", StringComparison.Ordinal))
            return Regex.IsMatch(Prose().Replace(source.Text, ""), $@"(?<![\w.]){any}\b");
        var name = NamespaceOf(project, folder);
        return Regex.IsMatch(source.Text, $@"^using (static |\w+ = )?{Regex.Escape(name)}(;|\.{any}\b)", RegexOptions.Multiline)
            || Regex.IsMatch(Prose().Replace(source.Text, ""), $@"\b{name[(name.LastIndexOf('.') + 1)..]}\.{any}\b");
    }

    /// <summary>The shortest circle, edge by edge; empty if there is none.</summary>
    private static string[] Circle(IReadOnlyList<Edge> edges)
    {
        var next = edges.ToLookup(edge => edge.From);
        return edges.Select(first => Back(first)).Where(way => way is not null).OrderBy(way => way!.Length).FirstOrDefault()
            ?.Select(edge => edge.ToString()).ToArray() ?? [];

        // The shortest way that begins with an edge and ends where that began.
        Edge[]? Back(Edge first)
        {
            var seen = new HashSet<string> { first.To };
            var ways = new Queue<Edge[]>([[first]]);
            while (ways.TryDequeue(out var way))
            {
                if (way[^1].To == first.From)
                    return way;
                foreach (var edge in next[way[^1].To].Where(edge => seen.Add(edge.To)))
                    ways.Enqueue([.. way, edge]);
            }
            return null;
        }
    }

    private static List<Source> Sources(string project)
    {
        var root = Path.GetDirectoryName(project)!;
        return [.. Directory.GetFiles(root, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Select(file => new Source(
                Path.GetRelativePath(Support.Checkout.Root, file), Path.GetRelativePath(root, Path.GetDirectoryName(file)!),
                File.ReadAllText(file)))];
    }

    private static string NamespaceOf(string project, string folder) =>
        $"Boon.{Path.GetFileNameWithoutExtension(project)}{(folder == Top ? "" : $".{folder.Replace('/', '.')}")}";

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Namespace();

    /// <summary>Types stand at the beginning of a line: namespaces are file-scoped.</summary>
    [GeneratedRegex(
        @"^(?:(?:public|internal|static|sealed|abstract|partial|readonly|file|ref) )+"
            + @"(?:delegate [^(]*?|class |record struct |record class |record |struct |interface |enum )(?<name>\w+)\s*[<(:;{\r\n]",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Declared();

    /// <summary>Comments, and texts without holes: prose names nothing.</summary>
    [GeneratedRegex(@"//[^\n]*|(?<![$""])""(?:\\.|[^""\\\n])*""(?!"")", RegexOptions.ExplicitCapture)]
    private static partial Regex Prose();
}
