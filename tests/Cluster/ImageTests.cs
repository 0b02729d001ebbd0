using System.Runtime.InteropServices;
using Boon.Cluster.Image;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>The image of <c>deploy/Dockerfile</c>: it is built, and started as an engine of containers would start it.</summary>
public sealed class ImageTests
{
    private const int User = 10001;
    private const string Password = "a pass phrase of a member";

    [Fact]
    public async Task The_image_serves_with_a_read_only_root_and_without_rights_and_ends_in_good_order()
    {
        Assert.SkipWhen(ImageBuild.Missing() is not null, ImageBuild.Missing() ?? "");
        await using var image = await ImageBuild.MakeAsync();
        var database = await TestServer.CreateDatabaseAsync();
        var secrets = Directory.CreateTempSubdirectory("boon-secrets-").FullName;
        await WriteSecretAsync(secrets, "database", TestServer.ByTcp(database));
        await WriteSecretAsync(secrets, "operator", Password);
        // As in every container, its network's address is the image's; here the network is this machine's, and 8080 may be taken.
        await using (var boon = image.Start(
            secrets, "ConnectionStrings__Boon_FILE=/run/secrets/database", "Boon__Operator__Password_FILE=/run/secrets/operator",
            "Boon__Urls=http://127.0.0.1:0"))
        {
            using var api = new Api(await boon.Serving());
            (await api.Get("/health/ready")).Code.ShouldBe(200);
            var status = await File.ReadAllLinesAsync($"/proc/{boon.Id}/status");
            status.ShouldContain($"Uid:\t{User}\t{User}\t{User}\t{User}");
            status.ShouldContain("CapEff:\t0000000000000000");
            var mounts = (await File.ReadAllLinesAsync($"/proc/{boon.Id}/mountinfo")).Select(line => line.Split(' '));
            mounts.Single(mount => mount[4] == "/")[5].Split(',').ShouldContain("ro");

            (await api.Post("/v1/users", new
            {
                username = "ann", email = "ann@example.com", phone = TestBoon.NewPhone(), password = Password, fullName = "Ann",
            })).Code.ShouldBe(201);
            (await api.Get("/v1/users/me", await api.SignIn("ann", Password))).Code.ShouldBe(200);
            await api.SignIn("operator", Password);

            boon.Terminate();
            (await boon.Exited()).ShouldBe(0, boon.Output);
            boon.Output.ShouldContain("Draining for 5 s");
            boon.Output.ShouldNotContain("Read-only");
            boon.Output.ShouldNotContain(" error");
        }
        (await image.ChangesAsync()).ShouldBeEmpty();
        Directory.Delete(secrets, recursive: true);
        await TestServer.DropDatabaseAsync(database);
    }

    /// <summary>A file that only the image's user can read.</summary>
    private static async Task WriteSecretAsync(string folder, string name, string text)
    {
        var file = Path.Combine(folder, name);
        await File.WriteAllTextAsync(file, text);
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        ChangeOwner(file, User, User).ShouldBe(0);
    }

    [DllImport("libc", EntryPoint = "chown", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ChangeOwner(string path, int owner, int group);
}
