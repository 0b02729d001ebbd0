using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Boon.Platform.Observability;

/// <summary>
/// Renders metrics in the Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/) at each scrape: the
/// released exporter package needs a hosting package of its own, this is the small part that Boon uses.
/// </summary>
internal sealed class PrometheusExporter : BaseExporter<Metric>
{
    private readonly StringBuilder text = new();

    internal string Text => text.ToString();

    public override ExportResult Export(in Batch<Metric> batch)
    {
        text.Clear();
        foreach (var metric in batch)
            Write(metric);
        return ExportResult.Success;
    }

    private void Write(Metric metric)
    {
        var name = Name(metric);
        text.Append("# HELP ").Append(name).Append(' ').Append(metric.Description.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('\n')
            .Append("# TYPE ").Append(name).Append(' ').Append(Kind(metric.MetricType)).Append('\n');
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            if (IsOutsideAPool(point))
                continue;
            switch (metric.MetricType)
            {
                case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                    Sample(name, point, point.GetSumLong());
                    break;
                case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                    Sample(name, point, point.GetSumDouble());
                    break;
                case MetricType.LongGauge:
                    Sample(name, point, point.GetGaugeLastValueLong());
                    break;
                case MetricType.DoubleGauge:
                    Sample(name, point, point.GetGaugeLastValueDouble());
                    break;
                case MetricType.Histogram:
                    Histogram(name, point);
                    break;
            }
        }
    }

    /// <summary>Npgsql calls connections that belong to no named pool after their connection string, which is nobody's to read.</summary>
    private static bool IsOutsideAPool(in MetricPoint point)
    {
        foreach (var tag in point.Tags)
            if (tag is { Key: "db.client.connection.pool.name", Value: string name } && name.Contains('=', StringComparison.Ordinal))
                return true;
        return false;
    }

    private void Histogram(string name, in MetricPoint point)
    {
        long below = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            var bound = double.IsPositiveInfinity(bucket.ExplicitBound) ? "+Inf" : bucket.ExplicitBound.ToString("R", CultureInfo.InvariantCulture);
            Sample(name + "_bucket", point, below, bound);
        }
        Sample(name + "_sum", point, point.GetHistogramSum());
        Sample(name + "_count", point, point.GetHistogramCount());
    }

    private void Sample(string name, in MetricPoint point, double value, string? bound = null)
    {
        text.Append(name);
        var separator = '{';
        foreach (var tag in point.Tags)
        {
            text.Append(separator).Append(Sane(tag.Key)).Append("=\"")
                .Append(Convert.ToString(tag.Value, CultureInfo.InvariantCulture)?.Replace("\\", "\\\\", StringComparison.Ordinal)
                    .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('"');
            separator = ',';
        }
        if (bound is not null)
        {
            text.Append(separator).Append("le=\"").Append(bound).Append('"');
            separator = ',';
        }
        if (separator == ',')
            text.Append('}');
        text.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
    }

    private static string Name(Metric metric)
    {
        var name = Sane(metric.Name);
        if (Unit(metric) is { } unit && !name.EndsWith(unit, StringComparison.Ordinal))
            name += unit;
        if (metric.MetricType is MetricType.LongSum or MetricType.DoubleSum)
            name += "_total";
        return name;
    }

    /// <summary>Units as Prometheus writes them; what is counted ("{request}") has none.</summary>
    private static string? Unit(Metric metric) => metric.Unit switch
    {
        "s" => "_seconds",
        "ms" => "_milliseconds",
        "By" => "_bytes",
        "%" => "_percent",
        _ => null,
    };

    private static string Kind(MetricType type) => type switch
    {
        MetricType.LongSum or MetricType.DoubleSum => "counter",
        MetricType.Histogram => "histogram",
        _ => "gauge",
    };

    private static string Sane(string name) => string.Create(name.Length, name, (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = char.IsAsciiLetterOrDigit(source[i]) ? source[i] : '_';
    });
}
