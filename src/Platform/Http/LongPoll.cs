using System.Globalization;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Http;

/// <summary>
/// <c>Prefer: wait=10</c> (RFC 7240): a request for something that is still under way is answered as soon as it is not, or after so many seconds, at most 30.
/// </summary>
public static class LongPoll
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>Looks until it is settled, or as long as the caller prefers; answers what was seen last, null if there is nothing.</summary>
    /// <param name="http">The request.</param>
    /// <param name="watch">Tells of events.</param>
    /// <param name="module">The module whose log tells when it is settled.</param>
    /// <param name="id">The aggregate whose events tell it.</param>
    /// <param name="types">The events that settle it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="find">Looks.</param>
    /// <param name="underWay">True as long as it is not settled.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<T?> WaitAsync<T>(
        HttpContext http, LogWatch watch, string module, Guid id, string[] types, TimeProvider time, Func<CancellationToken, Task<T?>> find, Predicate<T> underWay, CancellationToken ct)
        where T : class
    {
        var wait = Wait(http);
        var began = time.GetTimestamp();
        // Listening before the first look, so that nothing falls between the two; what settles it is an event of the module's log.
        using var wake = new WakeSignal();
        // A process that stops keeps nobody waiting.
        var stopping = http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var stop = stopping.Register(wake.Set);
        using var settled = wait > TimeSpan.Zero ? watch.On(module, id.ToString(), types, wake) : null;
        while (true)
        {
            var found = await find(ct);
            var left = wait - time.GetElapsedTime(began);
            if (found is not null && underWay(found) && left > TimeSpan.Zero && !stopping.IsCancellationRequested)
            {
                await wake.WaitAsync(left, ct);
                continue;
            }
            if (found is not null && wait > TimeSpan.Zero)
                Applied(http, wait);
            return found;
        }
    }

    /// <summary>Says in the answer that the request was let wait.</summary>
    internal static void Applied(HttpContext http, TimeSpan wait) => http.Response.Headers["Preference-Applied"] = $"wait={wait.TotalSeconds:0}";

    /// <summary>True for a request that prefers to wait.</summary>
    internal static bool IsAskedBy(HttpContext http) => Wait(http) > TimeSpan.Zero;

    /// <summary>The <c>wait</c> of a request's Prefer header, in whole seconds; anything else in it is not ours.</summary>
    internal static TimeSpan Wait(HttpContext http)
    {
        foreach (var preference in http.Request.Headers["Prefer"].SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries)))
            if (preference.StartsWith("wait=", StringComparison.OrdinalIgnoreCase)
                && int.TryParse(preference.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
                return TimeSpan.FromSeconds(Math.Min(seconds, LongestWait.TotalSeconds));
        return TimeSpan.Zero;
    }
}
