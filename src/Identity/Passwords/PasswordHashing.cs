using System.Runtime.InteropServices;
using System.Text;
using Boon.Identity.Accounts;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Boon.Identity.Passwords;

/// <summary>How a password compared.</summary>
internal enum Verified
{
    /// <summary>It is another one, or there is no account.</summary>
    No,

    /// <summary>It is right.</summary>
    Yes,

    /// <summary>It is right, and its hash is weaker than today's: hash it again.</summary>
    YesRehash,
}

/// <summary>For whom a hash is computed.</summary>
internal enum HashFor
{
    /// <summary>Somebody who has an account, or says so.</summary>
    SignIn,

    /// <summary>Somebody who opens one: anybody may, as often as the limit by address lets.</summary>
    SignUp,
}

/// <summary>
/// ASP.NET Core Identity's hasher (PBKDF2-HMAC-SHA512, 100,000 rounds, about 75 ms of one core) on threads of its own: as many as there are
/// cores, at a lower priority than everything else, so that a burst of sign-ins uses what is idle and starves nothing. Sign-ins and
/// sign-ups wait in a queue each and are taken in turn, so however many sign-ups wait, sign-ins have half of the threads' time. At most
/// 2,000 wait in a queue; beyond that callers are told to come back.
/// </summary>
internal sealed class PasswordHashing : IDisposable
{
    private const int MostWaiting = 2_000;
    private const int NiceLevel = 10;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    /// <summary>Rounds of PBKDF2. Only test hosts, through InternalsVisibleTo, lower it, for bulk tests whose subject is another.</summary>
    internal static int Rounds { get; set; } = 100_000;

    private readonly Queue<Action> signIns = new();
    private readonly Queue<Action> signUps = new();
    private readonly SemaphoreSlim waiting = new(0);
    private readonly Lock gate = new();
    private readonly PasswordHasher<User> hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = Rounds }));
    private readonly Lazy<string> unknown;
    private bool signUpNext;
    private volatile bool ended;

    public PasswordHashing()
    {
        unknown = new(() => hasher.HashPassword(null!, OrderedId.New().ToString()));
        for (var i = 0; i < Environment.ProcessorCount; i++)
            new Thread(Work) { IsBackground = true, Name = $"password-hash-{i}" }.Start();
    }

    /// <summary>503, when too many wait.</summary>
    internal static ProblemHttpResult Busy(HttpContext http) =>
        Problems.RetryLater(http, StatusCodes.Status503ServiceUnavailable, "busy",
            "Too many sign-ins or sign-ups are waiting at this moment; try again soon.", RetryAfter);

    /// <summary>Hashes a password; null when too many wait.</summary>
    internal Task<string?> HashAsync(string password, HashFor whom, CancellationToken ct) =>
        EnqueueAsync<string?>(whom, () => hasher.HashPassword(null!, Canonical(password)), ct);

    /// <summary>
    /// Compares a password with a hash, in the same time when there is no hash (no such account); null when too many wait.
    /// </summary>
    internal async Task<Verified?> VerifyAsync(string? hash, string password, CancellationToken ct)
    {
        var result = await EnqueueAsync<PasswordVerificationResult?>(
            HashFor.SignIn, () => hasher.VerifyHashedPassword(null!, hash ?? unknown.Value, Canonical(password)), ct);
        return result switch
        {
            null => null,
            _ when hash is null => Verified.No,
            PasswordVerificationResult.Success => Verified.Yes,
            PasswordVerificationResult.SuccessRehashNeeded => Verified.YesRehash,
            _ => Verified.No,
        };
    }

    /// <summary>The same text typed on two keyboards may differ in its code points: compare NFC.</summary>
    private static string Canonical(string password) => password.Normalize(NormalizationForm.FormC);

    /// <summary>Calls that wait for a thread.</summary>
    internal int Waiting
    {
        get
        {
            lock (gate)
                return signIns.Count + signUps.Count;
        }
    }

    /// <summary>Computes something on the threads of hashes, in its turn; null when too many wait.</summary>
    internal Task<T?> EnqueueAsync<T>(HashFor whom, Func<T> hash, CancellationToken ct)
    {
        var done = new TaskCompletionSource<T?>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            var queue = whom == HashFor.SignUp && IdentityDefences.SignInShare.On ? signUps : signIns;
            if (queue.Count >= MostWaiting)
                return Task.FromResult(default(T));
            queue.Enqueue(Run);
        }
        waiting.Release();
        return done.Task;

        void Run()
        {
            if (ct.IsCancellationRequested)
            {
                done.TrySetCanceled(ct);
                return;
            }
            try
            {
                done.TrySetResult(hash());
            }
            catch (Exception error)
            {
                done.TrySetException(error);
            }
        }
    }

    private void Work()
    {
        if (OperatingSystem.IsLinux())
            _ = SetPriority(which: 0, who: 0, NiceLevel); // on Linux this is the calling thread's own
        while (true)
        {
            waiting.Wait();
            if (ended)
                return;
            Take()();
        }
    }

    /// <summary>The oldest of one queue, then the oldest of the other; of the one that has any if the other is empty.</summary>
    private Action Take()
    {
        lock (gate)
        {
            var next = signIns.Count == 0 || (signUpNext && signUps.Count > 0) ? signUps : signIns;
            signUpNext = next == signIns;
            return next.Dequeue();
        }
    }

    [DllImport("libc", EntryPoint = "setpriority")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetPriority(int which, int who, int priority);

    public void Dispose()
    {
        ended = true;
        waiting.Release(Environment.ProcessorCount); // each thread takes one and ends; the semaphore is the collector's
    }
}
