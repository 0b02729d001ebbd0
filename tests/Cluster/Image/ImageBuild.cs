using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Boon.Support;

namespace Boon.Cluster.Image;

/// <summary>
/// The image that <c>deploy/Dockerfile</c> makes, built by buildah and mounted. It stands on a base that is made of Debian's packages and
/// this machine's .NET, because the tests reach no registry of images. The base is kept in <c>artifacts/image</c> until its recipe changes.
/// </summary>
internal sealed class ImageBuild : IAsyncDisposable
{
    private const string Name = "localhost/boon:test";
    private static readonly string Folder = Path.Combine(Checkout.Root, "artifacts", "image");
    private static readonly string Scripts = Path.Combine(Checkout.Root, "tests", "Cluster", "Image");

    /// <summary>Where .NET and its SDK are: the folder above <c>shared/Microsoft.NETCore.App/10.x</c>.</summary>
    private static readonly string Dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    private readonly string container;
    private readonly string root;
    private readonly string stamp;

    private ImageBuild(string container, string root, string stamp, JsonElement config) =>
        (this.container, this.root, this.stamp, Config) = (container, root, stamp, config);

    /// <summary>What the image says of itself: user, environment, entry point.</summary>
    internal JsonElement Config { get; }

    /// <summary>Why no image can be built here; null when it can.</summary>
    internal static string? Missing()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
            return "An image is built and run as root, on Linux.";
        foreach (var program in (string[])["buildah", "mmdebstrap", "unshare", "setpriv", "chroot"])
            if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))))
                return $"There is no {program} to build and run an image with.";
        if (!File.Exists("/usr/share/keyrings/debian-archive-keyring.gpg"))
            return "Debian's keys are not here, so no base can be made of its packages.";
        return Directory.Exists(Path.Combine(Dotnet, "sdk")) ? null : $"There is no SDK in {Dotnet} to build with.";
    }

    internal static async Task<ImageBuild> MakeAsync()
    {
        Directory.CreateDirectory(Folder);
        await BuildahAsync("rm", "--all"); // what a run left that was killed
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(home, ".nuget", "packages");
        var config = Path.Combine(home, ".nuget", "NuGet");
        Directory.CreateDirectory(packages);
        Directory.CreateDirectory(config);
        var from = await BaseAsync();
        await BuildahAsync(
            "build", "--pull-never", "--layers=false", "--build-arg", $"SDK_IMAGE={from}", "--build-arg", $"RUNTIME_IMAGE={from}",
            "--volume", $"{Dotnet}:/usr/share/dotnet:ro", "--volume", "/etc/ssl/certs:/etc/ssl/certs:ro",
            "--volume", $"{packages}:/root/.nuget/packages", "--volume", $"{config}:/root/.nuget/NuGet:ro",
            "--file", Path.Combine(Checkout.Root, "deploy", "Dockerfile"), "--tag", Name, Checkout.Root);
        var container = (await BuildahAsync("from", "--pull-never", Name)).Trim();
        var root = (await BuildahAsync("mount", container)).Trim();
        using var inspected = JsonDocument.Parse(await BuildahAsync("inspect", "--type", "image", Name));
        var stamp = Path.Combine(Folder, "mounted");
        await File.WriteAllTextAsync(stamp, "");
        return new ImageBuild(container, root, stamp, inspected.RootElement.GetProperty("OCIv1").GetProperty("config").Clone());
    }

    /// <summary>Starts it as an engine would, with a folder of secrets at /run/secrets, and settings beside the image's.</summary>
    internal BoonProcess Start(string secrets, params string[] settings) => BoonProcess.StartProgram("unshare", [
        "--mount", Path.Combine(Scripts, "run.sh"),
        root, secrets, Config.GetProperty("User").GetString()!, Config.GetProperty("WorkingDir").GetString()!,
        .. Texts("Env"), .. settings, .. Texts("Entrypoint"), .. Texts("Cmd")]);

    /// <summary>What was written to the root file system since it was mounted.</summary>
    internal async Task<string> ChangesAsync() => await RunAsync("find", root, "-xdev", "-cnewer", stamp);

    private IEnumerable<string> Texts(string member) => Config.GetProperty(member).EnumerateArray().Select(text => text.GetString()!);

    /// <summary>The base, made unless it is there.</summary>
    private static async Task<string> BaseAsync()
    {
        var script = Path.Combine(Scripts, "make-base.sh");
        var recipe = await File.ReadAllTextAsync(script) + RuntimeEnvironment.GetRuntimeDirectory();
        var name = $"localhost/boon-base:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(recipe)))[..16]}";
        if ((await BuildahAsync("images", "--format", "{{.Name}}:{{.Tag}}")).Split('\n').Contains(name))
            return name;
        await BuildahAsync("rmi", "--all", "--force");
        await RunAsync(script, [name, Dotnet, .. Storage]);
        return name;
    }

    /// <summary>A place of its own. The driver is the one that works within containers too.</summary>
    private static readonly string[] Storage =
        ["--storage-driver", "vfs", "--root", Path.Combine(Folder, "storage"), "--runroot", Path.Combine(Folder, "run")];

    private static Task<string> BuildahAsync(params string[] arguments) => RunAsync("buildah", [.. Storage, .. arguments]);

    private static Task<string> RunAsync(string program, params string[] arguments) =>
        Programs.RunAsync(new ProcessStartInfo(program, arguments) { Environment = { ["BUILDAH_ISOLATION"] = "chroot" } });

    public async ValueTask DisposeAsync()
    {
        await BuildahAsync("rm", container);
        await BuildahAsync("rmi", Name);
        File.Delete(stamp);
    }
}
