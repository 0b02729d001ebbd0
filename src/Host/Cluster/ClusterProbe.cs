using System.Globalization;

namespace Boon.Host.Cluster;

/// <summary>Asks processes of a cluster how they are.</summary>
internal sealed class ClusterProbe : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

#pragma warning disable CA5359 // Whose certificate the gateway has does not matter: it is on this machine, and nothing is told to it.
    private readonly HttpClient http = new(new SocketsHttpHandler
        { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } }) { Timeout = Longest };
#pragma warning restore CA5359

    /// <summary>Whether it is ready, and what it said.</summary>
    internal async Task<(bool Ready, string Said)> HealthAsync(string address, CancellationToken ct)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri($"{address}/health/ready"), ct);
            return (answer.IsSuccessStatusCode, answer.IsSuccessStatusCode ? "ready" : $"not ready ({(int)answer.StatusCode})");
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            return (false, "no answer");
        }
    }

    /// <summary>How many events its subscriptions are behind; null when it does not say.</summary>
    internal async Task<long?> LagAsync(string address, CancellationToken ct)
    {
        try
        {
            return (await http.GetStringAsync(new Uri($"{address}/metrics"), ct)).Split('\n')
                .Where(line => line.StartsWith("boon_subscription_lag_events{", StringComparison.Ordinal))
                .Sum(line => (long)double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture));
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            return null;
        }
    }

    public void Dispose() => http.Dispose();
}
