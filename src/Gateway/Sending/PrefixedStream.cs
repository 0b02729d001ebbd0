namespace Boon.Gateway.Sending;

/// <summary>A stream of which the beginning was read already: gives that, then the rest.</summary>
internal sealed class PrefixedStream(ArraySegment<byte> beginning, Stream rest) : Stream
{
    private ReadOnlyMemory<byte> left = beginning;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (left.IsEmpty)
            return rest.ReadAsync(buffer, cancellationToken);
        var count = Math.Min(left.Length, buffer.Length);
        left[..count].CopyTo(buffer);
        left = left[count..];
        return ValueTask.FromResult(count);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("It is read asynchronously only.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            rest.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Reads the beginning of a stream into memory.</summary>
internal static class Beginning
{
    private const int FirstBuffer = 4 * 1024;

    /// <summary>
    /// Reads up to so many bytes, or as many as the request may hold: its array's length. <c>Whole</c> when the stream ended within them.
    /// </summary>
    internal static async Task<(ArraySegment<byte> Bytes, bool Whole)> ReadAsync(
        Stream stream, int most, HeldByRequest held, CancellationToken ct)
    {
        if (!held.TryTake(Math.Min(FirstBuffer, most)))
            return ([], false);
        var buffer = new byte[Math.Min(FirstBuffer, most)];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), ct);
            if (read == 0)
                return (new(buffer, 0, length), true);
            length += read;
            if (length == most)
                return (buffer, false);
            if (length < buffer.Length)
                continue;
            var larger = Math.Min(buffer.Length * 2, most);
            if (!held.TryTake(larger - buffer.Length))
                return (buffer, false);
            Array.Resize(ref buffer, larger);
        }
    }
}
