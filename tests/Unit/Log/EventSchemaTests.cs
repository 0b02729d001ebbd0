using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Boon.Contracts;

namespace Boon.Unit.Log;

/// <summary>
/// docs/events holds the JSON schema of each event as it is written; a difference fails here. BOON_WRITE_SCHEMAS=1 writes them.
/// </summary>
public sealed class EventSchemaTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    [Fact]
    public void The_committed_schemas_are_those_of_the_code()
    {
        var folder = Path.Combine(Support.Checkout.Root, "docs", "events");
        var write = Environment.GetEnvironmentVariable("BOON_WRITE_SCHEMAS") == "1";
        if (write)
            Directory.CreateDirectory(folder);
        foreach (var (name, type) in EventCatalog.Types)
        {
            var schema = EventJson.Default.Options.GetJsonSchemaAsNode(
                type, new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true }).AsObject();
            // What is null is left out of the log, and what is personal may be removed from it.
            if (schema["required"] is JsonArray required)
                foreach (var member in required.Where(member => schema["properties"]![member!.GetValue<string>()]!["type"] is JsonArray)
                    .ToList())
                    required.Remove(member);
            schema.Insert(0, "$schema", JsonValue.Create("https://json-schema.org/draft/2020-12/schema"));
            schema.Insert(1, "title", JsonValue.Create(name));
            var text = schema.ToJsonString(Indented) + "\n";
            var file = Path.Combine(folder, name + ".json");
            if (write)
                File.WriteAllText(file, text);
            File.Exists(file).ShouldBeTrue($"{file} is missing: run the unit tests with BOON_WRITE_SCHEMAS=1");
            File.ReadAllText(file).ShouldBe(text, $"{name} changed: a changed shape is a new version of the event");
        }
        Directory.GetFiles(folder).Length.ShouldBe(EventCatalog.Types.Count, "a schema of no event is left over");
    }
}
