using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Boon.Broker.PrivateRabbit;

/// <summary>The process of a RabbitMQ that another process may have started.</summary>
internal static class RabbitProcess
{
    private const int Sigkill = 9;
    private const int Sigterm = 15;

    internal static void Terminate(int process) => _ = Signal(process, Sigterm);

    internal static void Kill(int process) => _ = Signal(process, Sigkill);

    /// <summary>True for Erlang's machine. One that has ended, and that nobody has asked about, is no longer alive.</summary>
    internal static bool IsAlive(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return found.ProcessName.StartsWith("beam", StringComparison.Ordinal) && !IsZombie(process);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool IsZombie(int process)
    {
        if (!Directory.Exists("/proc/self"))
            return false; // a system that does not say
        try
        {
            // pid (name) state ...
            var status = File.ReadAllText($"/proc/{process}/stat");
            return status[status.LastIndexOf(')') + 2] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true; // it has just gone
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int process, int signal);
}
