using System.Diagnostics;
using System.Text.Json.Nodes;
using Boon.Support;

namespace Boon.Cluster.Deployment;

/// <summary>What <c>kubectl kustomize</c> makes of an environment of <c>deploy/k8s</c>.</summary>
internal sealed class Manifests
{
    private Manifests(List<JsonObject> all) => All = all;

    internal List<JsonObject> All { get; }

    /// <summary>The names of the environments.</summary>
    internal static IEnumerable<string> Environments() =>
        Directory.GetDirectories(Folder).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal);

    private static string Folder => Path.Combine(Checkout.Root, "deploy", "k8s", "environments");

    internal static async Task<Manifests> RenderAsync(string environment)
    {
        var fetched = Path.Combine(Checkout.Root, "artifacts", "tools", "kubectl"); // scripts/setup.sh
        var result = await Programs.TryAsync(
            new ProcessStartInfo(File.Exists(fetched) ? fetched : "kubectl", ["kustomize", Path.Combine(Folder, environment)]));
        result.Status.ShouldBe(0, result.Errors);
        result.Errors.ShouldBeEmpty("kustomize has nothing to warn of");
        return new Manifests(Yaml.Read(result.Output));
    }

    internal IEnumerable<JsonObject> Of(string kind) => All.Where(one => one.Text("kind") == kind);

    internal JsonObject One(string kind, string name) => Of(kind).Single(one => one.Text("metadata.name") == name);

    /// <summary>What runs pods: Deployments and Jobs.</summary>
    internal IEnumerable<JsonObject> Workloads => All.Where(one => one.At("spec.template.spec.containers") is not null);

    /// <summary>The Deployments of Boon's servers.</summary>
    internal IEnumerable<JsonObject> Servers => Of("Deployment").Where(one => one.Text("metadata.name") != "gateway");

    /// <summary>A container's variables: those of its maps, then its own.</summary>
    internal Dictionary<string, string> VariablesOf(JsonNode container)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var from in container.List("envFrom"))
            foreach (var (name, value) in One("ConfigMap", from.Text("configMapRef.name")).Map("data"))
                variables[name] = value;
        foreach (var variable in container.List("env"))
            variables[variable.Text("name")] = variable.Text("value");
        return variables;
    }
}
