// state-growth and …-leaks-descriptors: what should level out and rises all the time. A rise that goes on
// through every quarter of the time seen, by more than half in all; a plateau, a saw-tooth or a rise with the load is
// none. Of state that was level and then rises many times over, minutes tell as much as half an hour tells of state
// whose usual size nobody has seen. What it leads to (a full disk, "too many open files", a killed container) comes
// later: this is the warning.
#include <algorithm>
#include <array>
#include <span>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::steady_growth {
namespace {

constexpr Duration window{2 * 3'600'000};    // What the store keeps.
constexpr Duration span_needs{30 * 60'000};  // Caches and pools have filled by then.
constexpr std::size_t quarters = 4, samples_per_quarter_min = 3;
constexpr double quarter_over_quarter = 1.05, last_over_first = 1.5;
// A rise out of a level, of at least half its length. Each less than twice the one before, so that one of them fits.
constexpr Duration rises[] = {Duration{2 * 60'000}, Duration{3 * 60'000},  Duration{5 * 60'000},
                              Duration{9 * 60'000}, Duration{16 * 60'000}, Duration{28 * 60'000}};
constexpr Duration level_needs{2 * 60'000};
constexpr double level_within = 1.2, many_times_over = 4.0;

struct Growth {
    double first = 0, last = 0;  // Means of the first and the last quarter.
    Duration span{0};
    WallTime since, at;
    [[nodiscard]] double per_hour() const {
        // The means lie three quarters of the span apart.
        return (last - first) * 3'600'000 / (0.75 * static_cast<double>(span.count()));
    }
};

std::optional<Growth> steady(std::span<const Sample> samples, Duration span_min = span_needs) {
    if (samples.size() < quarters * samples_per_quarter_min) return std::nullopt;
    const std::int64_t from = samples.front().at_ms, span = samples.back().at_ms - from;
    if (Duration{span} < span_min) return std::nullopt;
    std::array<double, quarters> sum{};
    std::array<std::size_t, quarters> count{};
    for (const auto& sample : samples) {
        const auto quarter = std::min(static_cast<std::size_t>((sample.at_ms - from) * 4 / span), quarters - 1);
        sum[quarter] += sample.value;
        ++count[quarter];
    }
    for (std::size_t i = 0; i < quarters; ++i) {
        if (count[i] < samples_per_quarter_min) return std::nullopt;
        sum[i] /= static_cast<double>(count[i]);
        if (i > 0 && sum[i] < sum[i - 1] * quarter_over_quarter) return std::nullopt;
    }
    if (sum.front() <= 0 || sum.back() < last_over_first * sum.front()) return std::nullopt;
    return Growth{sum.front(), sum.back(), Duration{span}, {from}, {samples.back().at_ms}};
}

bool level(std::span<const Sample> samples) {
    if (samples.size() < samples_per_quarter_min) return false;
    const auto [least, most] = std::ranges::minmax(samples, {}, &Sample::value);
    return most.value <= level_within * least.value;
}

std::optional<Growth> out_of_level(std::span<const Sample> samples) {
    const auto after = [&](WallTime time) {
        return samples.subspan(static_cast<std::size_t>(
            std::ranges::lower_bound(samples, time.unix_ms, {}, &Sample::at_ms) - samples.begin()));
    };
    if (samples.empty()) return std::nullopt;
    const WallTime end{samples.back().at_ms};
    for (const Duration rise : rises) {
        const WallTime begin = end - rise - std::max(level_needs, rise / 2);
        if (WallTime{samples.front().at_ms} > begin) return std::nullopt;
        const auto both = after(begin), rising = after(end - rise);
        const auto before = both.first(both.size() - rising.size());
        const auto growth = level(before) ? steady(rising, rise * 3 / 4) : std::nullopt;
        if (growth && growth->last >= many_times_over * before.back().value) return growth;
    }
    return std::nullopt;
}

// Whether the load has risen as much: then the growth follows from it. nullopt: nobody can tell.
std::optional<bool> load_rose(const Lookup& lookup, const Subject& job, double factor, Duration within) {
    double before = 0, after = 0;
    std::size_t seen = 0;
    for (const auto series :
         lookup.select("flink_subtask_records_in_total", {{"cluster", job.cluster}, {"job", job.name}})) {
        const auto samples = lookup.history(series, within);
        if (samples.size() < 4 || !lookup.value(series)) continue;
        const auto& middle = samples[samples.size() / 2];
        const auto rate = [](const Sample& a, const Sample& b) {
            return (b.value - a.value) * 1000 / static_cast<double>(std::max<std::int64_t>(1, b.at_ms - a.at_ms));
        };
        before += std::max(0.0, rate(samples.front(), middle));
        after += std::max(0.0, rate(middle, samples.back()));
        ++seen;
    }
    if (seen == 0 || before <= 0) return std::nullopt;
    return after / before >= 1 + (factor - 1) / 2;
}

std::string mebibytes(double bytes) { return std::to_string(static_cast<long>(bytes / (1 << 20))) + " MiB"; }

std::optional<Finding> state_of(const Lookup& lookup, SeriesId series) {
    const Subject job{lookup.label(series, "cluster"), "job", lookup.label(series, "job")};
    constexpr double matters_bytes = 64.0 * (1 << 20);
    constexpr double factor_of_load = 2;  // Half again as many records explain any rise within minutes.
    if (!lookup.value(series)) return std::nullopt;
    const auto samples = lookup.history(series, window);
    const auto slow = steady(samples);
    const auto growth = slow ? slow : out_of_level(samples);
    if (!growth || growth->last < matters_bytes) return std::nullopt;
    const bool load = slow ? load_rose(lookup, job, growth->last / growth->first, window).value_or(true)
                           : load_rose(lookup, job, factor_of_load, 2 * growth->span).value_or(true);
    if (load) return std::nullopt;
    const std::string text = "the state of job " + job.name + " has grown from " + mebibytes(growth->first) + " to " +
                             mebibytes(growth->last) + " in " + spoken(growth->span) + " without more load";
    return Finding{
        .id = "state-growth",
        .subject = job,
        .since = growth->since,
        .weight = slow ? 1 : 0.75,
        .summary = text,
        .fields = {{"job", job.name}, {"bytes_per_hour", std::to_string(static_cast<long>(growth->per_hour()))}},
        .evidence = {{"metric", "flink_checkpoint_last_size_bytes", text, growth->last, growth->at}}};
}

// Only where descriptors are opened by what a user or a connector does. Brokers open a file for every segment they are
// given: theirs grow with the data. Resident memory is not looked at: a JVM takes its heap bit by bit.
std::string_view leak_of(std::string_view role) {
    if (role == "taskmanager") return "taskmanager-leaks-descriptors";
    return role == "connect-worker" ? "connect-worker-leaks-descriptors" : "";
}

std::optional<Finding> descriptors_of(const Lookup& lookup, SeriesId series) {
    constexpr double matters = 200;
    const auto id = leak_of(lookup.label(series, "role"));
    const auto growth = lookup.value(series) ? steady(lookup.history(series, window)) : std::nullopt;
    if (id.empty() || !growth || growth->last - growth->first < matters) return std::nullopt;
    const Subject node{lookup.label(series, "cluster"), "node", lookup.label(series, "node")};
    const auto number = [](double value) { return std::to_string(static_cast<long>(value)); };
    const std::string text = "node " + node.name + " had " + number(growth->first) + " descriptors open and has " +
                             number(growth->last) + ", more all the time for " + spoken(growth->span);
    return Finding{.id = std::string(id),
                   .subject = node,
                   .since = growth->since,
                   .weight = 1,
                   .summary = text,
                   .fields = {{"node", node.name}, {"descriptors_per_hour", number(growth->per_hour())}},
                   .evidence = {{"metric", "process_open_file_descriptors", text, growth->last, growth->at}}};
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    const auto add = [&](std::optional<Finding> finding) {
        if (finding) found.push_back(*std::move(finding));
    };
    for (const auto series : lookup.select("flink_checkpoint_last_size_bytes")) add(state_of(lookup, series));
    for (const auto series : lookup.select("process_open_file_descriptors")) add(descriptors_of(lookup, series));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"steady_growth",
            "State and open descriptors that rise all the time.",
            {"state-growth", "taskmanager-leaks-descriptors", "connect-worker-leaks-descriptors"},
            run,
            "flink_checkpoint_last_size_bytes or process_open_file_descriptors",
            Duration{60'000}};
}

}  // namespace medic::analyzers::steady_growth
