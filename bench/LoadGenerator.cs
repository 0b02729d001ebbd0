using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Boon.Bench;

/// <summary>What a burst of requests did.</summary>
/// <param name="Seconds">From the first request to the last answer.</param>
/// <param name="Latencies">Of each request, in milliseconds.</param>
/// <param name="Statuses">How often each status was answered.</param>
internal sealed record Burst(double Seconds, double[] Latencies, Dictionary<int, int> Statuses)
{
    internal double PerSecond => Latencies.Length / Seconds;
}

/// <summary>
/// Sends requests that were made beforehand, over plain sockets: each connection sends its next one when the last is answered. It costs a
/// tenth of what an HttpClient costs, which matters where server and generator share two cores.
/// </summary>
internal static class LoadGenerator
{
    /// <summary>A POST with a JSON body and a token, with other headers if there are any.</summary>
    internal static byte[] Post(string path, string token, string json, params string[] headers) => Encoding.ASCII.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: boon\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: "
            + $"{json.Length}\r\n"
        + $"{string.Concat(headers.Select(header => header + "\r\n"))}\r\n{json}");

    /// <summary>A GET without a token, with other headers if there are any.</summary>
    internal static byte[] Get(string path, params string[] headers) =>
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: boon\r\n{string.Concat(headers.Select(header => header + "\r\n"))}\r\n");

    /// <summary>Sends the requests and reads their answers.</summary>
    /// <param name="url">The server.</param>
    /// <param name="requests">What to send.</param>
    /// <param name="connections">How many at once.</param>
    /// <param name="ct">Stops it.</param>
    /// <param name="then">Makes, from the number of a request and its answer, a second request that belongs to it: the latency is that of
    /// both, the status that of the second.</param>
    internal static async Task<Burst> RunAsync(
        string url, IReadOnlyList<byte[]> requests, int connections, CancellationToken ct,
        Func<int, ReadOnlyMemory<byte>, byte[]>? then = null)
    {
        var address = new Uri(url);
        var next = -1;
        var latencies = new double[requests.Count];
        var statuses = new int[1000];
        var sockets = new List<Socket>();
        for (var i = 0; i < connections; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, address.Port, ct);
            sockets.Add(socket);
        }
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(sockets.Select(socket => ConnectionAsync(socket)));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        sockets.ForEach(socket => socket.Dispose());
        return new Burst(seconds, latencies, statuses.Index().Where(status => status.Item > 0)
            .ToDictionary(status => status.Index, status => status.Item));

        async Task ConnectionAsync(Socket socket)
        {
            var buffer = new byte[16 * 1024];
            for (int i; (i = Interlocked.Increment(ref next)) < requests.Count;)
            {
                var sent = Stopwatch.GetTimestamp();
                var received = await ExchangeAsync(socket, requests[i], buffer);
                if (then is not null)
                    await ExchangeAsync(socket, then(i, buffer.AsMemory(0, received)), buffer);
                latencies[i] = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
                Interlocked.Increment(ref statuses[((buffer[9] - '0') * 100) + ((buffer[10] - '0') * 10) + buffer[11] - '0']);
            }
        }

        async Task<int> ExchangeAsync(Socket socket, byte[] request, byte[] buffer)
        {
            await socket.SendAsync(request, ct);
            var received = 0;
            do
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(received), ct);
                received += read > 0 ? read : throw new IOException("The server closed the connection.");
            }
            while (!IsWhole(buffer.AsSpan(0, received)));
            return received;
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
            return false;
        if (answer[9..].StartsWith("304"u8))
            return true;
        var length = answer[..head].IndexOf("Content-Length: "u8);
        if (length < 0)
            return answer.EndsWith("0\r\n\r\n"u8);
        return System.Buffers.Text.Utf8Parser.TryParse(answer[(length + 16)..], out int bytes, out _) && answer.Length >= head + 4 + bytes;
    }
}
