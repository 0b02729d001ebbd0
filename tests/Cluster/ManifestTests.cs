using System.Globalization;
using System.Text.Json.Nodes;
using Boon.Cluster.Deployment;
using Boon.Host;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>What is in <c>deploy/k8s</c>: safe, whole, and without a secret.</summary>
public sealed class ManifestTests
{
    private const string User = "10001";
    private const string Services = "services";
    private static readonly string[] Modules = [.. BoonHost.AllModules.Select(module => module.Name)];

    /// <summary>What a process takes after its drain: requests in flight (10 s), then room to end.</summary>
    private static readonly TimeSpan Ending = TimeSpan.FromSeconds(15);

    /// <summary>How long the guide waits for the job.</summary>
    private static readonly TimeSpan LongestMigration = TimeSpan.FromMinutes(15);

    public static TheoryData<string> Environments => [.. Manifests.Environments()];

    [Theory]
    [MemberData(nameof(Environments))]
    public async Task Every_container_is_hardened_and_limited(string environment)
    {
        var manifests = await Manifests.RenderAsync(environment);
        manifests.Servers.Select(server => server.Text("metadata.name")).ShouldBe(
            IsServices(environment) ? Modules.Select(module => $"boon-{module}") : ["boon"], ignoreOrder: true);
        manifests.Workloads.Count().ShouldBe(manifests.Servers.Count() + 2, "and the job, and the gateway");
        foreach (var workload in manifests.Workloads)
        {
            var name = workload.Text("metadata.name");
            var pod = workload.At("spec.template.spec")!;
            pod.Text("automountServiceAccountToken").ShouldBe("false", name);
            pod.Text("enableServiceLinks").ShouldBe("false", $"{name}: variables of Kubernetes can look like settings");
            var user = pod.At("securityContext");
            (user.Text("runAsNonRoot"), user.Text("runAsUser"), user.Text("fsGroup"), user.Text("seccompProfile.type"))
                .ShouldBe(("true", User, User, "RuntimeDefault"), name);
            pod.List("initContainers").ShouldBeEmpty();
            var container = pod.List("containers").ShouldHaveSingleItem();
            var rights = container.At("securityContext");
            (rights.Text("readOnlyRootFilesystem"), rights.Text("allowPrivilegeEscalation")).ShouldBe(("true", "false"), name);
            rights.List("capabilities.drop").Select(one => one.ToString()).ShouldBe(["ALL"], name);
            foreach (var limit in (string[])["requests.cpu", "requests.memory", "limits.memory"])
                container.Text("resources." + limit).ShouldNotBeEmpty($"{name} {limit}");
            container.At("command").ShouldBeNull("the image's entry point counts");
            var mounts = container.List("volumeMounts").ToDictionary(mount => mount.Text("name"), mount => mount.Text("mountPath"));
            mounts.Where(mount => mount.Key != "secrets").Select(mount => mount.Value)
                .ShouldBe(["/var/lib/boon", "/tmp"], ignoreOrder: true, name);
            foreach (var volume in pod.List("volumes"))
                (volume.Text("emptyDir.sizeLimit").Length > 0 || Secrets(volume).Any()).ShouldBeTrue($"{name} {volume}");
            // A module sees its own secrets and what all share; the job sees the databases of all.
            var secrets = pod.List("volumes").SelectMany(Secrets);
            if (name == "gateway")
                secrets.ShouldBeEmpty();
            else if (!IsServices(environment))
                secrets.ShouldBe(["boon"], name);
            else
                secrets.ShouldBe(Modules.Select(module => $"boon-{module}").Where(secret => name == "boon-migrate" || secret == name)
                    .Append("boon-services"), ignoreOrder: true, name);
        }
        manifests.Of("Secret").ShouldBeEmpty("secrets are made by hand, and only named here");
        manifests.Of("Namespace").Single().Map("metadata.labels")["pod-security.kubernetes.io/enforce"].ShouldBe("restricted");
        manifests.Workloads.Select(one => one.List("spec.template.spec.containers").Single().Text("image"))
            .Distinct().ShouldHaveSingleItem()
            .ShouldMatch("^registry\\.example/boon:[0-9]", "one image, of a version");
    }

    [Theory]
    [MemberData(nameof(Environments))]
    public async Task Variables_are_settings_and_secrets_are_files(string environment)
    {
        var manifests = await Manifests.RenderAsync(environment);
        foreach (var workload in manifests.Workloads)
        {
            var container = workload.List("spec.template.spec.containers").Single();
            var variables = manifests.VariablesOf(container);
            DeployedSettings.Check(variables, "/run/secrets/boon");
            var mounted = container.List("volumeMounts")
                .Any(mount => (mount.Text("mountPath"), mount.Text("readOnly")) == ("/run/secrets/boon", "true"));
            variables.Keys.Any(name => name.EndsWith("_FILE", StringComparison.Ordinal)).ShouldBe(mounted, "who has secrets reads them");
            // Only the job changes the database's schema.
            if (manifests.Servers.Contains(workload))
                variables["Boon__Migrate"].ShouldBe("false");
        }
        // A map's name changes with what is in it, and a job's template cannot be changed.
        var job = manifests.Of("Job").ShouldHaveSingleItem().ToJsonString();
        manifests.Of("ConfigMap").ShouldAllBe(map => !job.Contains(map.Text("metadata.name"), StringComparison.Ordinal));
        // What is applied first in an upgrade: the job, and the way that it has to the database.
        manifests.All.Where(one => one.Map("metadata.labels").GetValueOrDefault("app.kubernetes.io/component") == "migrate")
            .Select(one => one.Text("kind")).ShouldBe(["Job", "NetworkPolicy"], ignoreOrder: true);
    }

    [Theory]
    [MemberData(nameof(Environments))]
    public async Task Deployments_are_probed_drained_scaled_and_named(string environment)
    {
        var manifests = await Manifests.RenderAsync(environment);
        foreach (var deployment in manifests.Of("Deployment"))
        {
            var name = deployment.Text("metadata.name");
            var container = deployment.List("spec.template.spec.containers").Single();
            var ports = container.List("ports").ToDictionary(port => port.Text("name"), port => port.Text("containerPort"));
            foreach (var (probe, path) in new[] { ("readinessProbe", "/health/ready"), ("livenessProbe", "/health/live") })
                (container.Text($"{probe}.httpGet.path"), container.Text($"{probe}.httpGet.port")).ShouldBe((path, "management"), name);

            var variables = manifests.VariablesOf(container);
            variables["Boon__Urls"].ShouldBe($"http://*:{ports["http"]}", name);
            variables["Boon__Management__Urls"].ShouldBe($"http://*:{ports["management"]}", name);
            var drain = TimeSpan.Parse(variables["Boon__DrainTime"], CultureInfo.InvariantCulture);
            Number(deployment, "spec.template.spec.terminationGracePeriodSeconds")
                .ShouldBeGreaterThanOrEqualTo((drain + Ending).TotalSeconds, name);
            // A pod that drains answers 503: the gateway and the service must hear of it before it stops listening.
            (Number(container, "readinessProbe.periodSeconds") * Number(container, "readinessProbe.failureThreshold"))
                .ShouldBeLessThan(drain.TotalSeconds, name);
            deployment.Text("spec.strategy.rollingUpdate.maxUnavailable").ShouldBe("0", name);
            Number(deployment, "spec.progressDeadlineSeconds").ShouldBeGreaterThan(LongestMigration.TotalSeconds, name);

            deployment.At("spec.replicas").ShouldBeNull("the autoscaler says how many there are");
            var scaler = manifests.One("HorizontalPodAutoscaler", name);
            (scaler.Text("spec.scaleTargetRef.kind"), scaler.Text("spec.scaleTargetRef.name")).ShouldBe(("Deployment", name));
            Number(scaler, "spec.minReplicas").ShouldBeGreaterThan(1);
            Number(scaler, "spec.maxReplicas").ShouldBeGreaterThanOrEqualTo(Number(scaler, "spec.minReplicas"));

            var labels = deployment.Map("spec.template.metadata.labels");
            deployment.Map("spec.selector.matchLabels").ShouldBe(labels, ignoreOrder: true, name);
            manifests.One("Service", name).Map("spec.selector").ShouldBe(labels, ignoreOrder: true, name);
            manifests.One("PodDisruptionBudget", name).Map("spec.selector.matchLabels").ShouldBe(labels, ignoreOrder: true, name);
        }
        var gateway = manifests.VariablesOf(manifests.One("Deployment", "gateway").List("spec.template.spec.containers").Single());
        foreach (var server in manifests.Servers)
        {
            var name = server.Text("metadata.name");
            var setting = name == "boon" ? "Boon__Gateway__Modules" : $"Boon__Gateway__Modules__{name["boon-".Length..]}";
            gateway[setting].ShouldBe($"http://{name}:8080");
            server.List("spec.template.spec.volumes").Single(volume => volume.Text("name") == "tmp")
                .Text("emptyDir.sizeLimit").ShouldBe("512Mi", "bodies of up to 32 MiB lie there");
            manifests.One("Service", name).Text("spec.clusterIP").ShouldBe("None", "its name stands for each pod");
        }
        // Each pod has a policy of its own, and only the gateway and what monitors reach the servers.
        manifests.Of("NetworkPolicy").Select(policy => Component(policy.At("spec.podSelector.matchLabels")))
            .ShouldBe(
                manifests.Workloads.Select(workload => Component(workload.At("spec.template.metadata.labels"))).Distinct(),
                ignoreOrder: true);
        manifests.One("NetworkPolicy", "server").List("spec.ingress").ShouldAllBe(rule => rule.At("from") != null);
    }

    /// <summary>Each module of a server and a database of its own: its commands and settings are those of <c>boon cluster</c>.</summary>
    [Fact]
    public async Task Services_are_of_one_module_each_and_use_the_broker_as_its_user()
    {
        var manifests = await Manifests.RenderAsync(Services);
        foreach (var module in Modules)
        {
            var container = manifests.One("Deployment", $"boon-{module}").List("spec.template.spec.containers").Single();
            container.List("args").Select(one => one.ToString()).ShouldBe(["serve", "--modules", module, "--wait"]);
            var variables = manifests.VariablesOf(container);
            variables.Keys.Where(name => name.StartsWith("ConnectionStrings", StringComparison.Ordinal))
                .ShouldBe([$"ConnectionStrings__{module}_FILE"], "none knows the database of another one");
            variables["Boon__Broker__Url"].ShouldBe($"amqp://boon-{module}@rabbitmq:5672");
            variables.ContainsKey("Boon__Operator__Password_FILE").ShouldBe(module == "identity");
            foreach (var other in Modules)
                variables[$"Boon__Gateway__Modules__{other}"].ShouldBe($"http://boon-{other}:8080", "they ask each other where a log ends");
        }
        var job = manifests.VariablesOf(manifests.Of("Job").Single().List("spec.template.spec.containers").Single());
        job.Keys.Where(name => name.StartsWith("ConnectionStrings", StringComparison.Ordinal))
            .ShouldBe(Modules.Select(module => $"ConnectionStrings__{module}_FILE"), ignoreOrder: true);
    }

    private static bool IsServices(string environment) => environment == Services;

    /// <summary>The secrets that a volume shows.</summary>
    private static IEnumerable<string> Secrets(JsonNode? volume) => volume.Text("secret.secretName") is { Length: > 0 } one
        ? [one] : volume.List("projected.sources").Select(source => source.Text("secret.name"));

    private static string Component(JsonNode? labels) => labels!["app.kubernetes.io/component"]!.ToString();

    private static double Number(JsonNode node, string path) => double.Parse(node.Text(path), CultureInfo.InvariantCulture);
}
