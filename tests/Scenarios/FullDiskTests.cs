using System.Diagnostics;
using Boon.Platform.PrivatePostgres;
using Boon.Support;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>A database whose disk is full: Boon says so, refuses what it cannot store, and goes on when there is room again.</summary>
public sealed class FullDiskTests
{
    private const int Coupons = 20_000;

    [Fact]
    public async Task What_cannot_be_stored_is_503_until_there_is_room_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "only root makes a small disk");
        var folder = Directory.CreateTempSubdirectory("boon-full-").FullName;
        await using var postgres = await PostgresTools.StartAnotherAsync(folder);
        await using var disk = await SmallDisk.MakeAsync(Path.Combine(folder, "disk"));
        Assert.SkipWhen(disk is null, "file systems cannot be mounted here");

        var database = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Database = "small" };
        await using (var admin = NpgsqlDataSource.Create(TestServer.ForTest(postgres.AdministratorConnectionString)))
            foreach (var sql in (string[])[
                $"create tablespace small owner {database.Username} location '{disk.Folder}'",
                $"create database small owner {database.Username} tablespace small"])
            {
                await using var command = admin.CreateCommand(sql);
                await command.ExecuteNonQueryAsync();
            }
        await using (var boon = await TestBoon.StartOnAsync(database.ConnectionString, ("Boon:Log:Level", "Information")))
        {
            var token = await boon.OperatorToken();
            Task<Answer> Upload() => boon.Api.Post("/v1/coupons", new
            {
                coupons = Enumerable.Range(0, Coupons)
                    .Select(i =>
                    new { code = $"FULL-{i}", type = "STANDARD", discount = new { kind = "percent", value = 10 },
                    expiresAt = "2090-01-01T00:00:00Z" }),
            }, token);

            disk.Fill();
            var refused = await Upload();
            (refused.Code, refused.Problem).ShouldBe((503, "database-unavailable"), refused.Text);
            refused.Headers.RetryAfter.ShouldNotBeNull();
            var ready = await boon.Api.Get("/health/ready");
            (ready.Code, ready["detail"].GetString()).ShouldBe((503, "The database has no room on its disk."));
            (await boon.Api.Get("/health/live")).Code.ShouldBe(200);

            disk.Empty();
            await boon.Ready();
            (await Upload()).Code.ShouldBe(201);
            (await boon.Scalar<long>("select count(*) from promotions.codes")).ShouldBe(Coupons);
            await boon.CaughtUp();
            foreach (var word in (string[])["\"database-away\"", "\"database-back\""])
                boon.LogLines().ShouldContain(line => line.Contains(word, StringComparison.Ordinal));
        }
        NpgsqlConnection.ClearAllPools();
    }

    /// <summary>A file system in memory of a few megabytes, which PostgreSQL's user owns.</summary>
    private sealed class SmallDisk(string folder) : IAsyncDisposable
    {
        private const int Megabytes = 96;

        internal string Folder => folder;

        private string Filler => Path.Combine(folder, "filler");

        internal static async Task<SmallDisk?> MakeAsync(string folder)
        {
            Directory.CreateDirectory(folder);
            if (await RunAsync("mount", "-t", "tmpfs", "-o", $"size={Megabytes}m,mode=0700", "tmpfs", folder) != 0)
                return null;
            (await RunAsync("chown", "postgres:", folder)).ShouldBe(0);
            return new SmallDisk(folder);
        }

        /// <summary>Takes all the room that is left.</summary>
        internal void Fill()
        {
            using var filler = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            var block = new byte[4_096];
            while (true)
                try
                {
                    filler.Write(block);
                }
                catch (IOException)
                {
                    return;
                }
        }

        internal void Empty() => File.Delete(Filler);

        private static async Task<int> RunAsync(string program, params string[] arguments) =>
            (await Programs.TryAsync(new ProcessStartInfo(program, arguments))).Status;

        public async ValueTask DisposeAsync() => await RunAsync("umount", "--lazy", folder);
    }
}
