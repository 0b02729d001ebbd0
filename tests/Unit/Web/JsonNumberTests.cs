using System.Text.Json;
using Boon.Platform.Input;

namespace Boon.Unit.Web;

public sealed class JsonNumberTests
{
    [Theory]
    [InlineData("5000", 5000L)]
    [InlineData("5000.0", 5000L)]
    [InlineData("5e3", 5000L)]
    [InlineData("1E+2", 100L)]
    [InlineData("-0.0", 0L)]
    [InlineData("0e9", 0L)]
    [InlineData("12.50e1", 125L)]
    [InlineData("-100e-2", -1L)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775808", null)]
    [InlineData("1.5", null)]
    [InlineData("1e-1", null)]
    [InlineData("1.00000000000000000000000000000000000001", null)]
    [InlineData("1e400", null)]
    [InlineData("1e401", null)]
    [InlineData("1E99999999999", null)]
    [InlineData("1e-99999999999999999999", null)]
    public void Whole_numbers_are_read_however_they_are_written(string text, long? whole) =>
        (JsonNumber.TryRead(text, out var number) && number.TryWhole(out var read) ? read : (long?)null).ShouldBe(whole);

    [Theory]
    [InlineData("1", "1.0", true)]
    [InlineData("0.1", "1e-1", true)]
    [InlineData("-0", "0", true)]
    [InlineData("1E400", "10e399", true)]
    [InlineData("1E99999999999", "1E99999999999", true)]
    [InlineData("1E99999999999", "1E99999999998", false)]
    [InlineData("9007199254740993", "9007199254740992", false)]
    [InlineData("1", "-1", false)]
    [InlineData("1", "\"1\"", false)]
    [InlineData("\"caf\\u00e9\"", "\"cafe\\u0301\"", true)]
    [InlineData("\"\\ud800\"", "\"\\ud800\"", false)]
    [InlineData("null", "null", true)]
    [InlineData("true", "false", false)]
    [InlineData("{}", "{}", false)]
    public void Scalars_are_compared_by_what_they_mean_and_never_throw(string one, string other, bool same) =>
        JsonValues.Same(JsonSerializer.Deserialize<JsonElement>(one, JsonSerializerOptions.Default),
            JsonSerializer.Deserialize<JsonElement>(other, JsonSerializerOptions.Default)).ShouldBe(same);
}
