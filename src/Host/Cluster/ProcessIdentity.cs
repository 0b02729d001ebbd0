using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Boon.Platform;

namespace Boon.Host.Cluster;

/// <summary>
/// A process of this machine, told from another one that has its number later: the number, and when it began, as the kernel says it.
/// </summary>
/// <param name="Pid">Its number.</param>
/// <param name="Began">On Linux the id of the boot and the ticks since it; elsewhere what ps says.</param>
internal sealed record ProcessIdentity(int Pid, string Began)
{
    private const int Sigterm = 15;
    private const int Sigkill = 9;
    private const string BootId = "/proc/sys/kernel/random/boot_id";

    /// <summary>The field of /proc/PID/stat with the start, counted from the state, which is after the name in brackets.</summary>
    private const int StartAfterState = 19;

    /// <summary>
    /// What a shell does to become a program that outlives whoever started it: it writes down who it is, and stays the same process.
    /// Arguments: the file of its number, the file of its output, and the command.
    /// </summary>
    internal const string StartScript = """
        file=$1 output=$2
        shift 2
        if [ -r /proc/$$/stat ]; then
          read -r stat </proc/$$/stat
          read -r boot </proc/sys/kernel/random/boot_id
          began="$boot $(set -- $stat; echo "${22}")"
        else
          began=$(LC_ALL=C ps -o lstart= -p $$)
        fi
        printf '%s %s\n' $$ "$began" >"$file.new" && mv "$file.new" "$file" || exit 1
        if command -v setsid >/dev/null; then exec setsid "$@" >>"$output" 2>&1 </dev/null; fi
        exec nohup "$@" >>"$output" 2>&1 </dev/null
        """;

    /// <summary>What a file of a process says; null where there is none, or a half of one.</summary>
    internal static ProcessIdentity? Read(string file)
    {
        try
        {
            var text = File.ReadAllText(file).Trim();
            var space = text.IndexOf(' ', StringComparison.Ordinal);
            return space > 0 && int.TryParse(text[..space], out var pid) ? new ProcessIdentity(pid, text[(space + 1)..].Trim()) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>True while this very process runs; false for another one that has its number now.</summary>
    internal bool IsAlive => BeganAt(Pid) == Began;

    /// <summary>Asks it to end.</summary>
    internal void Terminate() => Send(Sigterm);

    /// <summary>Ends it.</summary>
    internal void Kill() => Send(Sigkill);

    private void Send(int signal)
    {
        if (IsAlive && Signal(Pid, signal) != 0 && IsAlive)
            throw new SetupException($"The process {Pid} cannot be stopped: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}.");
    }

    /// <summary>When the process with this number began; null when there is none, or it has ended and nobody has asked how.</summary>
    internal static string? BeganAt(int pid)
    {
        if (!File.Exists(BootId))
            return BeganByPs(pid);
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : $"{File.ReadAllText(BootId).Trim()} {fields[StartAfterState]}";
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? BeganByPs(int pid)
    {
        using var ps = Process.Start(new ProcessStartInfo("ps", ["-o", "lstart=", "-p", pid.ToString()])
            { RedirectStandardOutput = true, UseShellExecute = false, Environment = { ["LC_ALL"] = "C" } })!;
        var said = ps.StandardOutput.ReadToEnd().Trim();
        ps.WaitForExit();
        return said.Length > 0 ? said : null;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int process, int signal);
}
