using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Boon.FaultHost;

/// <summary>
/// A Kafka broker for tests: the one that librdkafka has for its own tests, in a process of its own. It speaks Kafka's protocol over TCP
/// and keeps what it gets in memory. It says where it listens, and takes a command in each line: <c>topic NAME PARTITIONS</c>, <c>down</c>,
/// <c>up</c>. It ends with its input.
/// </summary>
internal static class MockKafka
{
    private const string Library = "centos8-librdkafka";
    private const int Producer = 0;
    private const int Brokers = 1;

    internal static int Run()
    {
        var error = new byte[512];
        var client = New(Producer, 0, error, error.Length);
        if (client == 0)
            throw new InvalidOperationException(Encoding.UTF8.GetString(error));
        var cluster = NewCluster(client, Brokers);
        Console.WriteLine($"kafka://{Marshal.PtrToStringUTF8(Bootstraps(cluster))}");
        while (Console.ReadLine() is { } line)
        {
            var result = line.Split(' ') switch
            {
                ["topic", var name, var partitions] =>
                    CreateTopic(cluster, Encoding.UTF8.GetBytes(name + '\0'), int.Parse(partitions, CultureInfo.InvariantCulture), Brokers),
                ["down"] => SetDown(cluster, -1),
                ["up"] => SetUp(cluster, -1),
                _ => throw new InvalidOperationException($"There is no command {line}."),
            };
            Console.WriteLine(result == 0 ? "done" : $"error {result}");
        }
        return 0;
    }

    [DllImport(Library, EntryPoint = "rd_kafka_new")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static extern nint New(int type, nint configuration, byte[] error, nint errorSize);

    [DllImport(Library, EntryPoint = "rd_kafka_mock_cluster_new")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static extern nint NewCluster(nint client, int brokers);

    [DllImport(Library, EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static extern nint Bootstraps(nint cluster);

    [DllImport(Library, EntryPoint = "rd_kafka_mock_topic_create")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static extern int CreateTopic(nint cluster, byte[] topic, int partitions, int replicas);

    [DllImport(Library, EntryPoint = "rd_kafka_mock_broker_set_down")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static extern int SetDown(nint cluster, int broker);

    [DllImport(Library, EntryPoint = "rd_kafka_mock_broker_set_up")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static extern int SetUp(nint cluster, int broker);
}
