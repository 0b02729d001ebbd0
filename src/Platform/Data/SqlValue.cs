namespace Boon.Platform.Data;

/// <summary>
/// A value of one statement, made from a C# value by itself. Its PostgreSQL type is that of the C# type, so a null has one too: a
/// <c>string?</c> is a text, a <c>Guid?</c> a uuid, and a <c>DateTime?</c> a timestamp with time zone. Nothing is boxed.
/// </summary>
public readonly struct SqlValue
{
    private SqlValue(NpgsqlParameter parameter) => Parameter = parameter;

    internal NpgsqlParameter Parameter { get; }

    /// <summary>A value of any type that Npgsql knows: for those that have no conversion here.</summary>
    public static SqlValue Of<T>(T value)
    {
        var parameter = new NpgsqlParameter<T> { TypedValue = value };
        if (TypeOf<T>.Known is { } type)
            parameter.NpgsqlDbType = type;
        return new(parameter);
    }

    // One conversion for each type that statements use.
    public static implicit operator SqlValue(Guid value) => Of(value);

    public static implicit operator SqlValue(Guid? value) => Of(value);

    public static implicit operator SqlValue(string? value) => Of(value);

    public static implicit operator SqlValue(int value) => Of(value);

    public static implicit operator SqlValue(int? value) => Of(value);

    public static implicit operator SqlValue(long value) => Of(value);

    public static implicit operator SqlValue(long? value) => Of(value);

    public static implicit operator SqlValue(bool value) => Of(value);

    public static implicit operator SqlValue(DateTime value) => Of(value);

    public static implicit operator SqlValue(DateTime? value) => Of(value);

    public static implicit operator SqlValue(DateTimeOffset value) => Of(value);

    public static implicit operator SqlValue(DateTimeOffset? value) => Of(value);

    public static implicit operator SqlValue(TimeSpan value) => Of(value);

    public static implicit operator SqlValue(byte[]? value) => Of(value);

    public static implicit operator SqlValue(Guid[] values) => Of(values);

    public static implicit operator SqlValue(List<Guid> values) => Of(values);

    public static implicit operator SqlValue(string?[] values) => Of(values);

    public static implicit operator SqlValue(int[] values) => Of(values);

    public static implicit operator SqlValue(long[] values) => Of(values);

    /// <summary>
    /// Npgsql takes the type of a <see cref="DateTime"/> from its value, which a null does not have; every other type says it by itself.
    /// </summary>
    private static class TypeOf<T>
    {
        internal static readonly NpgsqlDbType? Known =
            typeof(T) == typeof(DateTime) || typeof(T) == typeof(DateTime?) ? NpgsqlDbType.TimestampTz
            : typeof(IEnumerable<DateTime>).IsAssignableFrom(typeof(T)) || typeof(IEnumerable<DateTime?>).IsAssignableFrom(typeof(T))
                ? NpgsqlDbType.Array | NpgsqlDbType.TimestampTz
            : null;
    }
}
