namespace Boon.Greetings.Sending;

/// <summary>Notes who got a voucher.</summary>
internal static class NoteVouchers
{
    internal static async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<GreetingsDb> unit, CancellationToken ct)
    {
        foreach (var e in events)
        {
            var voucher = e.As<VoucherIssued>();
            await using var note = unit.Command("""
                insert into greetings.voucher_notes (user_id, voucher_id)
                values ($1, $2)
                """, voucher.UserId, voucher.VoucherId);
            await note.ExecuteNonQueryAsync(ct);
        }
        return BatchEffect.Of(events.Count > 0);
    }
}
