using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Boon.Cluster.Deployment;

/// <summary>Documents of YAML as JSON whose values are all texts: what is written is what is compared.</summary>
internal static class Yaml
{
    internal static List<JsonObject> Read(string text)
    {
        var parser = new MergingParser(new Parser(new StringReader(text)));
        var deserializer = new DeserializerBuilder().Build();
        var documents = new List<JsonObject>();
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _))
            documents.Add(Node(deserializer.Deserialize(parser)).ShouldBeOfType<JsonObject>());
        return documents;
    }

    private static JsonNode? Node(object? value) => value switch
    {
        null => null,
        IDictionary<object, object?> map =>
            new JsonObject(map.Select(pair => KeyValuePair.Create((string)pair.Key, Node(pair.Value)))),
        IEnumerable<object?> list => new JsonArray([.. list.Select(Node)]),
        _ => JsonValue.Create(value.ToString()),
    };

    /// <summary>The value at a path such as <c>spec.template.spec</c>; null where there is none.</summary>
    internal static JsonNode? At(this JsonNode? node, string path) =>
        path.Split('.').Aggregate(node, (at, name) => at is JsonObject map ? map[name] : null);

    /// <summary>The text at a path; empty where there is none.</summary>
    internal static string Text(this JsonNode? node, string path) => node.At(path)?.ToString() ?? "";

    /// <summary>The parts of a list at a path.</summary>
    internal static IEnumerable<JsonNode> List(this JsonNode? node, string path) =>
        (node.At(path) as JsonArray ?? []).Select(part => part!);

    /// <summary>The names and values of a map at a path.</summary>
    internal static Dictionary<string, string> Map(this JsonNode? node, string path) =>
        (node.At(path) as JsonObject ?? []).ToDictionary(pair => pair.Key, pair => pair.Value?.ToString() ?? "", StringComparer.Ordinal);
}
