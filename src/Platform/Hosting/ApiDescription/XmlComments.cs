using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Boon.Platform.Hosting.ApiDescription;

/// <summary>
/// The comments of the code, from the XML files that lie beside the assemblies: what people read about types and their members is written
/// once.
/// </summary>
internal static partial class XmlComments
{
    private static readonly ConcurrentDictionary<Assembly, Dictionary<string, XElement>> Files = new();

    /// <summary>A type's summary; null without one.</summary>
    internal static string? Summary(Type type) => Text(Find(type, $"T:{NameOf(type)}")?.Element("summary"));

    /// <summary>What a type's comment says of a member.</summary>
    internal static string? Of(Type type, string member) =>
        Text(Find(type, $"T:{NameOf(type)}")?.Elements("param").FirstOrDefault(param => (string?)param.Attribute("name") == member))
        ?? Text(Find(type, $"P:{NameOf(type)}.{member}")?.Element("summary"));

    /// <summary>The example of a type, JSON in its comment; of several, the one for an answer's status.</summary>
    internal static string? Example(Type type, string? status = null) => Find(type, $"T:{NameOf(type)}")?.Elements("example")
        .Where(example => (string?)example.Attribute("status") is not { } of || of == status)
        .MaxBy(example => example.Attribute("status") is not null)?.Value.Trim();

    private static XElement? Find(Type type, string id) => Files.GetOrAdd(type.Assembly, Read).GetValueOrDefault(id);

    private static Dictionary<string, XElement> Read(Assembly assembly)
    {
        var path = Path.ChangeExtension(assembly.Location, ".xml");
        return File.Exists(path)
            ? XDocument.Load(path).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!, StringComparer.Ordinal)
            : [];
    }

    private static string NameOf(Type type) => (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName!.Replace('+', '.');

    private static string? Text(XElement? element)
    {
        if (element is null)
            return null;
        var text = string.Concat(element.Nodes().Select(node => node switch
        {
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "paramref" } parameter =>
                $"`{JsonNamingPolicy.CamelCase.ConvertName((string)parameter.Attribute("name")!)}`",
            XElement { Name.LocalName: "see" } see => $"`{((string)see.Attribute("cref")!).Split('.')[^1]}`",
            XElement other => other.Value,
            _ => node.ToString(),
        }));
        return Space.Replace(text, " ").Trim();
    }

    [GeneratedRegex("\\s+")]
    private static partial Regex Space { get; }
}
