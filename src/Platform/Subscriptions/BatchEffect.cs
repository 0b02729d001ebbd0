namespace Boon.Platform.Subscriptions;

/// <summary>
/// What a handler did with its batch. A batch that had no effect wrote nothing: its checkpoint is committed without waiting for the disk,
/// because nothing is lost if that move is. While batch after batch has none, the lane rests between them.
/// </summary>
public readonly record struct BatchEffect
{
    /// <summary>The batch meant nothing to the handler, and nothing was written.</summary>
    public static BatchEffect None { get; }

    /// <summary>Something was written.</summary>
    public static BatchEffect Written { get; } = Of(written: true);

    internal bool IsWritten { get; private init; }

    /// <summary>See <see cref="Taking"/>.</summary>
    internal int? Taken { get; private init; }

    /// <summary>One or the other.</summary>
    public static BatchEffect Of(bool written) => new() { IsWritten = written };

    /// <summary>
    /// The handler took only the first <paramref name="events"/> of its batch, at least one, because they mean more work than it does at
    /// once: the checkpoint moves behind them, and the next batch begins there. A batch is bounded by its events before the handler runs,
    /// and by what they mean here.
    /// </summary>
    public BatchEffect Taking(int events) => this with { Taken = events };
}
