using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Boon.Broker.PrivateRabbit;
using Boon.Cluster.Deployment;
using Boon.Host;
using Boon.Host.Cluster;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>The files of compose in <c>deploy</c>: safe, whole, and without a secret; and what makes their secrets.</summary>
public sealed class ComposeTests
{
    private const string User = "10001:10001";
    private const string Gateway = BoonHost.GatewayName;
    private const int SaltBytes = 4;
    private static readonly string[] Modules = [.. BoonHost.AllModules.Select(module => module.Name).Order(StringComparer.Ordinal)];
    private static readonly string Deploy = Path.Combine(Checkout.Root, "deploy");

    [Theory]
    [InlineData("compose.yaml", "boon", "postgres")]
    [InlineData("compose.services.yaml", "identity intake orders promotions quests wallet", "postgres rabbitmq")]
    public async Task Services_are_hardened_and_their_secrets_are_files(string file, string servers, string others)
    {
        var (compose, services) = await ReadAsync(file);
        services.Keys.ShouldBe([.. others.Split(' '), "migrate", .. servers.Split(' '), Gateway]);
        foreach (var (name, service) in services)
        {
            service.Text("read_only").ShouldBe("true", name);
            service.Text("user").ShouldNotBeOneOf("", "0", "0:0", "root");
            service.List("cap_drop").Select(one => one.ToString()).ShouldBe(["ALL"], name);
            service.List("security_opt").Select(one => one.ToString()).ShouldBe(["no-new-privileges:true"], name);
            service.Text("deploy.resources.limits.memory").ShouldNotBeEmpty(name);
            foreach (var secret in SecretsOf(service))
                compose["secrets"]![secret].Text("file").ShouldStartWith("secrets/", Case.Sensitive, $"{name} {secret}");
        }
        var boons = services.Where(service => !others.Split(' ').Contains(service.Key)).ToList();
        boons.Select(service => service.Value.Text("image")).Distinct().ShouldHaveSingleItem();
        foreach (var (name, service) in boons)
        {
            service.Text("user").ShouldBe(User, name);
            DeployedSettings.Check(service.Map("environment"), "/run/secrets");
            // Each secret that it names is one that it gets.
            service.Map("environment").Where(variable => variable.Key.EndsWith("_FILE", StringComparison.Ordinal))
                .Select(variable => Path.GetFileName(variable.Value)).ShouldBe(SecretsOf(service), ignoreOrder: true, name);
            var serves = servers.Split(' ').Contains(name);
            // A tmpfs counts as memory: not for servers, which put bodies there.
            service.List("volumes").Select(one => one.ToString()).ShouldBe(serves ? ["/var/lib/boon", "/tmp"] : ["/var/lib/boon"], name);
            service.List("tmpfs").Select(one => one.ToString()).ShouldBe(serves ? [] : ["/tmp"], name);
            if (!serves)
                continue;
            service.Text("environment.Boon__Migrate").ShouldBe("false", name);
            service.Text("depends_on.migrate.condition").ShouldBe("service_completed_successfully", name);
        }
        services[Gateway].List("secrets").ShouldBeEmpty();
        services.Where(service => service.Value.At("ports") is not null).Select(service => service.Key).ShouldBe([Gateway]);
    }

    [Fact]
    public async Task Replicas_are_two() =>
        (await ReadAsync("compose.yaml")).Services["boon"].Text("deploy.replicas").ShouldBe("2");

    /// <summary>Each module knows its own database and its own user of the broker, and where all others are.</summary>
    [Fact]
    public async Task A_module_apart_has_what_is_its_own_and_nothing_else()
    {
        var (_, services) = await ReadAsync("compose.services.yaml");
        foreach (var (name, service) in services.Where(service => service.Value.At("environment.Boon__Gateway__HealthPort") is not null))
            foreach (var module in Modules)
                service.Text($"environment.Boon__Gateway__Modules__{module}").ShouldBe($"http://{module}:8080", name);
        foreach (var module in Modules)
        {
            services[module].List("command").Select(one => one.ToString()).ShouldBe(["serve", "--modules", module, "--wait"]);
            services[module].Text("environment.Boon__Broker__Url").ShouldBe($"amqp://boon-{module}@rabbitmq:5672");
            SecretsOf(services[module]).Where(secret => secret != "operator-password")
                .ShouldBe(["services", $"database-{module}", $"broker-{module}"]);
            SecretsOf(services[module]).Contains("operator-password").ShouldBe(module == ClusterSettings.Accounts, module);
        }
        SecretsOf(services["migrate"]).Where(secret => secret.StartsWith("database-", StringComparison.Ordinal))
            .ShouldBe(Modules.Select(module => $"database-{module}"));
    }

    /// <summary>The script makes every secret that is named, and users with the rights that <c>boon cluster</c> gives them.</summary>
    [Fact]
    public async Task The_script_makes_each_secret_and_users_with_the_rights_of_their_modules()
    {
        var parent = Directory.CreateTempSubdirectory("boon-secrets-").FullName;
        var folder = Path.Combine(parent, "services");
        var script = Path.Combine(Deploy, "services-secrets");
        await Programs.RunAsync(script, folder);
        (await Programs.TryAsync(new ProcessStartInfo(script, [folder]))).Status.ShouldBe(1, "what is there is never replaced");
        Directory.GetFileSystemEntries(parent).ShouldBe([folder]);
        File.GetUnixFileMode(folder).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var (compose, _) = await ReadAsync("compose.services.yaml");
        compose.Map("secrets").Keys.ShouldBe(Directory.GetFiles(folder).Select(file => Path.GetFileName(file)), ignoreOrder: true);

        var definitions = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "definitions.json")))!;
        definitions.List("users").Count().ShouldBe(Modules.Length);
        foreach (var module in BoonHost.AllModules)
        {
            var password = (await File.ReadAllTextAsync(Path.Combine(folder, $"broker-{module.Name}"))).Trim();
            var sources = ClusterBroker.SourcesOf(module).ToList();
            var user = RabbitUser.OfModule(module.Name, password, sources);
            var kept = Convert.FromBase64String(
                definitions.List("users").Single(one => one.Text("name") == user.Name).Text("password_hash"));
            kept[SaltBytes..].ShouldBe(SHA256.HashData([.. kept[..SaltBytes], .. Encoding.UTF8.GetBytes(password)]), user.Name);
            var rights = definitions.List("permissions").Single(one => one.Text("user") == user.Name);
            (rights.Text("configure"), rights.Text("write")).ShouldBe((user.Configure, user.Write));
            var read = rights.Text("read");
            read.ShouldStartWith(@"^boon\.(");
            read.ShouldEndWith(")$");
            read[@"^boon\.(".Length..^2].Split('|').ShouldBe(sources.Append(module.Name), ignoreOrder: true, user.Name);
        }
        Directory.Delete(parent, recursive: true);
    }

    private static async Task<(JsonObject Compose, Dictionary<string, JsonNode> Services)> ReadAsync(string file)
    {
        var compose = Yaml.Read(await File.ReadAllTextAsync(Path.Combine(Deploy, file))).Single();
        return (compose, ((JsonObject)compose["services"]!).ToDictionary(pair => pair.Key, pair => pair.Value!, StringComparer.Ordinal));
    }

    private static List<string> SecretsOf(JsonNode service) =>
        [.. service.List("secrets").Select(secret => secret is JsonObject ? secret.Text("source") : secret.ToString())];
}
