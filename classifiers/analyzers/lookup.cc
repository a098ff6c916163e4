#include "classifiers/analyzers/lookup.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "classifiers/analyzers/analyzer.h"

namespace medic::analyzers {
namespace {

constexpr Duration starvation_window{10'000};
// The loop ticks once a second; a whole second late means that the machine gives us no CPU.
constexpr double late_tick_seconds = 1.0;
constexpr Duration all_standing{3'000};
// A habit needs this much of history before the present standstill can be held against it.
constexpr Duration habit_needs{10'000};
constexpr Duration floor_without_habit{30'000};

Duration between(const Sample& before, const Sample& after) { return Duration{after.at_ms - before.at_ms}; }

// Whether more was missed before sample i than a look or two: by what the looks around it are apart, since a series may
// be told every second for a while and every minute before.
bool gap_before(const std::vector<Sample>& samples, std::size_t i) {
    const Duration gap = between(samples[i - 1], samples[i]);
    if (gap <= fresh_within) return false;
    std::optional<Duration> usual;
    if (i > 1) usual = between(samples[i - 2], samples[i - 1]);
    if (i + 1 < samples.size()) usual = std::max(usual.value_or(Duration{0}), between(samples[i], samples[i + 1]));
    return usual && gap > 3 * *usual;
}

// The samples since it was last away: told to be gone (a stale marker), or told by nobody for too long.
std::vector<Sample> without_a_gap(std::span<const Sample> all) {
    std::vector<Sample> samples;
    for (const Sample& one : all)
        if (is_stale_marker(one.value))
            samples.clear();
        else if (!std::isnan(one.value))
            samples.push_back(one);
    for (std::size_t i = samples.size(); i-- > 1;)
        if (gap_before(samples, i)) {
            samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(i));
            break;
        }
    return samples;
}

}  // namespace

std::vector<Finding> analyze(const View& view, const Now& now) {
    std::vector<Finding> all;
    for (const auto& analyzer : all_analyzers()) {
        auto found = analyzer.run(view, now);
        all.insert(all.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    }
    return all;
}

Motion motion_of(const std::vector<Sample>& samples) {
    Motion motion;
    motion.samples = samples.size();
    motion.oldest = motion.changed = {samples.front().at_ms};
    motion.newest = {samples.back().at_ms};
    motion.value = samples.back().value;
    // A process that was gone for minutes did not stand still: what nobody saw is no habit. Pages that are read seldom
    // have such gaps all the time.
    const auto looks = static_cast<std::int64_t>(std::max<std::size_t>(1, samples.size() - 1));
    const Duration gap_max = std::max(fresh_within, 3 * (motion.newest - motion.oldest) / looks);
    for (std::size_t i = 1; i < samples.size(); ++i) {
        if (samples[i].value == samples[i - 1].value) continue;
        const WallTime at{samples[i].at_ms}, before{samples[i - 1].at_ms};
        const WallTime seen_until = at - before > gap_max ? before : at;
        if (motion.moved) motion.longest_before = std::max(motion.longest_before, seen_until - motion.changed);
        motion.changed = at;
        motion.moved = true;
    }
    motion.standing = motion.newest - motion.changed;
    return motion;
}

std::vector<SeriesId> Lookup::select(std::string_view name, const LabelValues& labels) const {
    std::vector<LabelMatcher> matchers;
    matchers.push_back({"__name__", LabelMatcher::Op::equal, std::string{name}});
    for (const auto& [label, value] : labels)
        matchers.push_back({std::string{label}, LabelMatcher::Op::equal, std::string{value}});
    return view_.series.select(matchers);
}

std::string Lookup::label(SeriesId id, std::string_view name) const {
    return std::string{view_.series.label(id, name)};
}

std::optional<Sample> Lookup::sample(SeriesId id) const {
    return view_.series.latest(id, now_.wall, view_.fresh_within);
}

std::optional<double> Lookup::value(SeriesId id) const {
    const auto found = sample(id);
    return found ? std::optional{found->value} : std::nullopt;
}

std::optional<double> Lookup::value(std::string_view name, const LabelValues& labels) const {
    std::optional<double> found;
    for (const auto id : select(name, labels)) {
        const auto value_now = value(id);
        if (!value_now) continue;
        if (found) return std::nullopt;
        found = value_now;
    }
    return found;
}

std::vector<Sample> Lookup::history(SeriesId id, Duration window) const {
    std::vector<Sample> out;
    for (const auto& one : view_.series.range(id, now_.wall - window, now_.wall, buffer_))
        if (!std::isnan(one.value)) out.push_back(one);
    return out;
}

bool Lookup::is_only(SeriesId id, double value, Duration window) const {
    return view_.series.is_only(id, value, now_.wall - window, now_.wall);
}

std::optional<std::vector<Sample>> Lookup::all_along(std::string_view name, const LabelValues& labels,
                                                     Duration window) const {
    const auto series = select(name, labels);
    if (series.size() != 1 || !sample(series.front())) return std::nullopt;
    const Duration gap_max = view_.fresh_within;
    auto samples = history(series.front(), window + gap_max);
    const std::int64_t began = (now_.wall - window).unix_ms;
    const auto after = std::ranges::find_if(samples, [&](const Sample& one) { return one.at_ms > began; });
    if (after == samples.begin()) return std::nullopt;
    samples.erase(samples.begin(), after - 1);
    const auto gap = std::ranges::adjacent_find(
        samples, [&](const Sample& one, const Sample& next) { return next.at_ms - one.at_ms > gap_max.count(); });
    if (gap != samples.end()) return std::nullopt;
    return samples;
}

bool Lookup::held(std::string_view name, const LabelValues& labels, double value, Duration window) const {
    const auto samples = all_along(name, labels, window);
    return samples && std::ranges::all_of(*samples, [&](const Sample& one) { return one.value == value; });
}

std::optional<Motion> Lookup::motion(SeriesId id, Duration window) const {
    if (!sample(id)) return std::nullopt;
    const auto samples = history(id, window);
    if (samples.size() < 2) return std::nullopt;
    return motion_of(samples);
}

std::optional<Motion> Lookup::cpu_motion(const LabelValues& node, Duration window) const {
    const auto cpu = select("process_cpu_seconds_total", node);
    return cpu.size() == 1 ? motion(cpu.front(), within_its_life(node, window)) : std::nullopt;
}

Duration Lookup::within_its_life(const LabelValues& node, Duration window) const {
    const auto started = value("process_start_time_seconds", node);
    if (!started) return window;
    return std::clamp(now_.wall - WallTime{static_cast<std::int64_t>(*started * 1'000)}, Duration{0}, window);
}

std::optional<WallTime> Lookup::since(SeriesId id, Duration window) const {
    if (!sample(id)) return std::nullopt;
    const auto samples = without_a_gap(view_.series.range(id, now_.wall - window, now_.wall, buffer_));
    if (samples.empty()) return std::nullopt;
    return motion_of(samples).changed;
}

std::optional<WallTime> Lookup::first_told(SeriesId id, Duration window) const {
    if (!sample(id)) return std::nullopt;
    const auto samples = history(id, window);
    if (samples.empty()) return std::nullopt;
    return motion_of(samples).changed;
}

std::optional<std::pair<std::string, WallTime>> Lookup::state(std::string_view name, const LabelValues& labels,
                                                              Duration window) const {
    std::optional<std::pair<std::string, WallTime>> found;
    for (const auto id : select(name, labels)) {
        if (value(id).value_or(0) != 1) continue;
        const auto began = since(id, window);
        if (began && (!found || *began > found->second)) found = {label(id, "state"), *began};
    }
    return found;
}

std::optional<double> Lookup::number(const Subject& subject, std::string_view attribute) const {
    const auto told = view_.topology.attribute(subject, attribute);
    std::int64_t number = 0;
    if (!told || std::from_chars(told->data(), told->data() + told->size(), number).ec != std::errc{})
        return std::nullopt;
    return static_cast<double>(number);
}

std::vector<Subject> Lookup::jobs_running_for(Duration at_least) const {
    constexpr Duration window{3'600'000};
    std::vector<Subject> jobs;
    for (const auto series : select("flink_job_state", {{"state", "RUNNING"}})) {
        if (value(series).value_or(0) != 1) continue;
        if (at_least > Duration{0}) {  // Else an hour of history need not be read.
            const auto from = since(series, window);
            if (!from || now_.wall - *from < at_least) continue;
        }
        jobs.push_back({label(series, "cluster"), "job", label(series, "job")});
    }
    return jobs;
}

bool Lookup::starved(std::string_view cluster) const {
    for (const auto id : select("medic_tick_lateness_seconds"))
        for (const auto& one : history(id, starvation_window))
            if (one.value > late_tick_seconds) return true;
    std::size_t known = 0, standing = 0;
    for (const auto id : select("process_cpu_seconds_total", {{"cluster", cluster}})) {
        const auto moved = motion(id, starvation_window);
        if (!moved) continue;
        ++known;
        if (moved->standing >= all_standing) ++standing;
    }
    return known >= 3 && standing == known;
}

std::optional<std::string> Lookup::node_of(const Subject& subject) const {
    if (auto named = view_.topology.attribute(subject, "node")) return named;
    for (const auto& host : view_.topology.from(subject, "hosted-by"))
        if (host.kind == "node") return host.name;
    const Subject same{subject.cluster, "node", subject.name};
    if (view_.topology.attribute(same, "role")) return subject.name;
    if (!select("process_up", {{"cluster", subject.cluster}, {"node", subject.name}}).empty()) return subject.name;
    return std::nullopt;
}

bool Lookup::flink_answers(const std::string& cluster, const std::string& job) const {
    LabelValues whose{{"cluster", cluster}};
    const auto flink = view_.topology.attribute({cluster, "job", job}, "flink");
    if (flink) whose.emplace_back("flink", *flink);
    const auto asked = select("flink_jobmanager_reachable", whose);
    return !asked.empty() && std::ranges::all_of(asked, [&](SeriesId one) { return value(one) == 1; });
}

std::vector<std::string> Lookup::spares(std::string_view cluster, std::string_view role) const {
    std::vector<std::string> names;
    for (const auto& node : view_.topology.all(cluster, "node")) {
        if (view_.topology.attribute(node, "role").value_or("") != role) continue;
        if (view_.topology.attribute(node, "spare").value_or("") == "true") names.push_back(node.name);
    }
    return names;
}

bool unusual(const Motion& motion, Duration floor) {
    if (motion.standing < floor) return false;
    if (!motion.moved || motion.observed_before() < habit_needs) return motion.standing >= floor_without_habit;
    return motion.standing >= 2 * motion.longest_before;
}

Evidence uses_no_cpu(const std::string& node, const Motion& ticks) {
    return {"metric", "process_cpu_seconds_total",
            "the process on " + node + " has used no CPU for " + spoken(ticks.standing), ticks.value, ticks.newest};
}

std::optional<Evidence> stopped_by_signal(const Lookup& lookup, const LabelValues& node, WallTime at) {
    if (lookup.value("process_stopped", node) != 1) return std::nullopt;
    return Evidence{"metric", "process_stopped", "the kernel shows it stopped (state T)", 1, at};
}

bool spans(const std::vector<Sample>& samples, Duration span_min) {
    return samples.size() >= 3 && Duration{samples.back().at_ms - samples.front().at_ms} >= span_min;
}

std::optional<double> rate_of(const std::vector<Sample>& samples, Duration span_min) {
    if (!spans(samples, span_min)) return std::nullopt;
    double rise = 0;
    for (std::size_t i = 1; i < samples.size(); ++i) rise += std::max(0.0, samples[i].value - samples[i - 1].value);
    return rise * 1000 / static_cast<double>(samples.back().at_ms - samples.front().at_ms);
}

double mean_of(const std::vector<Sample>& samples) {
    double sum = 0;
    for (const auto& sample : samples) sum += sample.value;
    return sum / static_cast<double>(samples.size());
}

double median_of(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

std::string percent_of(double ratio) { return std::to_string(std::lround(ratio * 100)) + " %"; }

std::vector<std::string> listed(const std::optional<std::string>& attribute) {
    std::vector<std::string> all;
    for (std::size_t from = 0; attribute && from < attribute->size();) {
        const auto to = std::min(attribute->find(',', from), attribute->size());
        all.push_back(attribute->substr(from, to - from));
        from = to + 1;
    }
    return all;
}

std::string spoken(Duration duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 7'200) return std::to_string(seconds / 60) + " min";
    if (seconds < 172'800) return std::to_string(seconds / 3'600) + " h";
    return std::to_string(seconds / 86'400) + " d";
}

}  // namespace medic::analyzers
