using System.Globalization;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Http;

/// <summary>What a request waits for: a thing that is under way, and is settled by an event of its own.</summary>
/// <param name="Module">The module whose log has that event.</param>
/// <param name="Id">The aggregate of that event.</param>
/// <param name="Types">The events that settle it.</param>
/// <param name="FindAsync">Looks at it; null: there is no such thing.</param>
/// <param name="IsUnderWay">True as long as it is not settled.</param>
public sealed record Awaited<T>(
    string Module, Guid Id, string[] Types, Func<CancellationToken, Task<T?>> FindAsync, Predicate<T> IsUnderWay)
    where T : class;

/// <summary>
/// <c>Prefer: wait=10</c> (RFC 7240): a request for something that is still under way is answered as soon as it is not, or after so many
/// seconds, at most 30.
/// </summary>
public static class LongPoll
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Looks until it is settled, or as long as the caller prefers; answers what was seen last, null if there is nothing.
    /// </summary>
    public static async Task<T?> WaitAsync<T>(HttpContext http, Awaited<T> awaited, CancellationToken ct)
        where T : class
    {
        var (watch, time) = (http.RequestServices.GetRequiredService<LogWatch>(), http.RequestServices.GetRequiredService<TimeProvider>());
        var wait = Wait(http);
        var began = time.GetTimestamp();
        // Listening before the first look, so that nothing falls between the two; what settles it is an event of the module's log.
        using var wake = new WakeSignal();
        // A process that stops keeps nobody waiting.
        var stopping = http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var stop = stopping.Register(wake.Set);
        using var settled = wait > TimeSpan.Zero ? watch.On(awaited.Module, awaited.Id.ToString(), awaited.Types, wake) : null;
        while (true)
        {
            var found = await awaited.FindAsync(ct);
            var left = wait - time.GetElapsedTime(began);
            if (found is not null && awaited.IsUnderWay(found) && left > TimeSpan.Zero && !stopping.IsCancellationRequested)
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
    internal static void Applied(HttpContext http, TimeSpan wait) =>
        http.Response.Headers["Preference-Applied"] = $"wait={wait.TotalSeconds:0}";

    /// <summary>True for a request that prefers to wait.</summary>
    internal static bool IsAskedBy(HttpContext http) => Wait(http) > TimeSpan.Zero;

    /// <summary>The <c>wait</c> of a request's Prefer header, in whole seconds; anything else in it is not ours.</summary>
    internal static TimeSpan Wait(HttpContext http)
    {
        foreach (var preference in http.Request.Headers["Prefer"]
            .SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries)))
            if (preference.StartsWith("wait=", StringComparison.OrdinalIgnoreCase)
                && int.TryParse(preference.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
                return TimeSpan.FromSeconds(Math.Min(seconds, LongestWait.TotalSeconds));
        return TimeSpan.Zero;
    }
}
