namespace Boon.Platform;

/// <summary>Folders of keys and logs: their user's alone.</summary>
public static class PrivateFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>
    /// Makes the folder, or closes one that an earlier version left open to all. One that belongs to another user, such as a shared one,
    /// stays as it is.
    /// </summary>
    public static DirectoryInfo Create(string path)
    {
        if (OperatingSystem.IsWindows())
            return Directory.CreateDirectory(path);
        var folder = Directory.CreateDirectory(path, OwnerOnly);
        try
        {
            File.SetUnixFileMode(path, File.GetUnixFileMode(path) & OwnerOnly);
        }
        catch (UnauthorizedAccessException)
        {
            // another user's
        }
        return folder;
    }
}
