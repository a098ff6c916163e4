#include "tests/ranking/disturb.h"

#include <algorithm>
#include <cmath>

namespace medic::ranking_test {
namespace {

// The standard's distributions differ between libraries; these do not.
double share(Dice& dice) { return static_cast<double>(dice() >> 11U) * 0x1.0p-53; }
double between(Dice& dice, double low, double high) { return low + share(dice) * (high - low); }
bool chance(Dice& dice, double p) { return share(dice) < p; }
double normal(Dice& dice) {
    constexpr int sum_of = 12;  // Of so many uniform ones: variance 1.
    double sum = -sum_of / 2.0;
    for (int i = 0; i < sum_of; ++i) sum += share(dice);
    return sum;
}
Duration milliseconds(double seconds) { return Duration{static_cast<std::int64_t>(seconds * 1000)}; }

enum class Kind : std::uint8_t { fixed, counter, whole_counter, gauge };

// States, counts of a few things, capacities and times of day are told exactly, whatever the rest is worth.
std::vector<Kind> kinds_of(const Episode& episode) {
    struct Seen {
        double low = INFINITY, high = -INFINITY, last = -INFINITY;
        bool whole = true, fell = false;
    };
    constexpr double few = 64, time_of_day = 1e9;
    std::vector<Seen> seen(episode.series.size());
    for (const Look& look : episode.looks)
        for (const auto& [id, value] : look.samples) {
            if (!std::isfinite(value)) continue;
            Seen& one = seen[id];
            one.low = std::min(one.low, value);
            one.high = std::max(one.high, value);
            one.whole = one.whole && std::floor(value) == value;
            one.fell = one.fell || value < one.last;
            one.last = value;
        }
    std::vector<Kind> kinds;
    for (std::size_t id = 0; id < seen.size(); ++id) {
        const Seen& one = seen[id];
        const auto name = episode.series[id].name();
        const bool fixed = one.low >= one.high || (one.whole && one.high <= few && one.low >= -few) ||
                           (name.find("timestamp") != std::string_view::npos) || name.ends_with("_time_ms") ||
                           one.low > time_of_day * 1000;
        const bool counts =
            name.ends_with("_total") || name.ends_with("_count") || name.ends_with("_sum") || name.ends_with("_offset");
        const Kind counter = one.whole ? Kind::whole_counter : Kind::counter;
        kinds.push_back(fixed ? Kind::fixed : counts && !one.fell ? counter : Kind::gauge);
    }
    return kinds;
}

void add_noise(Episode& episode, double level, Dice& dice) {
    const auto kinds = kinds_of(episode);
    struct Counter {
        double told = 0, noisy = 0;
        bool known = false;
    };
    std::vector<Counter> counters(episode.series.size());
    for (Look& look : episode.looks)
        for (auto& [id, value] : look.samples) {
            if (!std::isfinite(value) || kinds[id] == Kind::fixed) continue;
            const double factor = std::exp(level * normal(dice));
            if (kinds[id] == Kind::gauge) {
                const bool is_share = value >= 0 && value <= 1;
                value = is_share ? std::min(1.0, value * factor) : value * factor;
                continue;
            }
            Counter& counter = counters[id];
            const double told = value;
            counter.noisy = counter.known ? counter.noisy + (told - counter.told) * factor : told;
            counter.told = told;
            counter.known = true;
            value = kinds[id] == Kind::whole_counter ? std::floor(counter.noisy) : counter.noisy;
        }
}

void add_delay(Episode& episode, double usual_max, double slow_share, Dice& dice) {
    std::map<std::string, double> base;
    std::map<std::string, WallTime> last;
    for (const auto& [name, target] : episode.targets)
        base[name] = chance(dice, slow_share) ? between(dice, 5, 10) : between(dice, 0, usual_max);
    for (Look& look : episode.looks) {
        look.heard = look.heard + milliseconds(base[look.told.target] * between(dice, 0.7, 1.3));
        WallTime& before = last[look.told.target];  // One target's answers don't overtake each other.
        look.heard = before = std::max(look.heard, before);
    }
    std::ranges::stable_sort(episode.looks, {}, &Look::heard);
}

void add_gaps(Episode& episode, double lost, double dark_share, Dice& dice) {
    struct Dark {
        WallTime from, to;
        bool silent = false;
    };
    std::map<std::string, Dark> dark;
    const double span = static_cast<double>((episode.ends() - episode.begins()).count()) / 1000;
    for (const auto& [name, target] : episode.targets) {
        if (!chance(dice, dark_share)) continue;
        const WallTime from = episode.begins() + milliseconds(between(dice, 0, span));
        dark[name] = {from, from + milliseconds(between(dice, 6, 20)), chance(dice, 0.5)};
    }
    std::erase_if(episode.looks, [&](Look& look) {
        if (chance(dice, lost)) return true;
        const auto found = dark.find(look.told.target);
        if (found == dark.end() || look.heard < found->second.from || found->second.to < look.heard) return false;
        if (found->second.silent) return true;
        look.samples.clear();
        look.told = {.target = look.told.target,
                     .at = look.told.at,
                     .outcome = ScrapeOutcome::failed,
                     .error = "no answer within 5 s"};
        return false;
    });
}

void drop_events(Episode& episode, double lost, double no_logs, Dice& dice) {
    const bool logs_gone = chance(dice, no_logs);
    // An event that is told at every look is lost only if it never comes.
    std::map<std::string, bool> lost_by_id;
    for (Look& look : episode.looks)
        std::erase_if(look.told.events, [&](const Event& event) {
            if (event.kind == "log" && logs_gone) return true;
            if (event.id.empty()) return chance(dice, lost);
            const auto known = lost_by_id.find(event.id);
            if (known != lost_by_id.end()) return known->second;
            return lost_by_id[event.id] = chance(dice, lost);
        });
}

// Series whose values are times, in seconds: since when a process lives, when a checkpoint was done.
bool tells_a_time(const Labels& labels) {
    return std::ranges::any_of(labels.pairs(), [](const LabelPair& pair) {
        return pair.first == "__name__" &&
               (pair.second.ends_with("_start_time_seconds") || pair.second.ends_with("_timestamp_seconds"));
    });
}

void move(Episode& episode, Duration by) {
    std::vector<bool> times;
    for (const Labels& labels : episode.series) times.push_back(tells_a_time(labels));
    episode.fault_at = episode.fault_at + by;
    for (Look& look : episode.looks) {
        look.heard = look.heard + by;
        look.told.at = look.told.at + by;
        for (Event& event : look.told.events) event.at = event.at + by;
        for (auto& [series, value] : look.samples)
            if (times.at(series) && value > 0) value += std::chrono::duration<double>(by).count();
        for (auto& [subject, told] : look.told.attributes)
            if (const auto since = told.find("since"); since != told.end())
                since->second = std::to_string(std::stoll(since->second) + by.count());
    }
}

void turn_clocks(Episode& episode, double off_max, Dice& dice) {
    std::map<std::string, Duration> off;
    for (const auto& [name, target] : episode.targets) off[name] = milliseconds(between(dice, -off_max, off_max));
    for (Look& look : episode.looks)
        for (Event& event : look.told.events) event.at = event.at + off[look.told.target];
}

void rename_cluster(Episode& episode, const std::string& from, const std::string& to) {
    const auto rename = [&](Subject& subject) {
        if (subject.cluster == from) subject.cluster = to;
    };
    for (Labels& labels : episode.series) {
        auto pairs = labels.pairs();
        for (auto& [name, value] : pairs)
            if (name == "cluster" && value == from) value = to;
        labels = Labels("", std::move(pairs));
    }
    const auto target = [&](const std::string& name) {
        return name.starts_with(from + "/") ? to + name.substr(from.size()) : name;
    };
    std::map<std::string, Target> targets;
    for (const auto& [name, one] : episode.targets) targets[target(name)] = {to, one.interval};
    episode.targets = std::move(targets);
    for (Look& look : episode.looks) {
        look.told.target = target(look.told.target);
        for (Event& event : look.told.events) {
            rename(event.subject);
            if (!event.id.empty()) event.id = to + "|" + event.id;
        }
        for (Relation& one : look.told.relations) rename(one.from), rename(one.to);
        std::map<Subject, std::map<std::string, std::string>> attributes;
        for (auto& [subject, values] : look.told.attributes) {
            Subject renamed = subject;
            rename(renamed);
            attributes[std::move(renamed)] = std::move(values);
        }
        look.told.attributes = std::move(attributes);
        for (WorkUnderWay& one : look.told.under_way) rename(one.subject);
    }
}

}  // namespace

std::string_view to_string(Disturbance one) {
    switch (one) {
        case Disturbance::none: return "none";
        case Disturbance::noise: return "noise";
        case Disturbance::delay: return "delay";
        case Disturbance::gaps: return "gaps";
        case Disturbance::drops: return "drops";
        case Disturbance::clocks: return "clocks";
        case Disturbance::mixed: return "mixed";
        case Disturbance::second: return "second";
    }
    return "none";
}

void disturb(Episode& episode, Disturbance how, Dice& dice) {
    switch (how) {
        case Disturbance::none: return;
        case Disturbance::noise: return add_noise(episode, 0.1, dice);
        case Disturbance::delay: return add_delay(episode, 4, 0.25, dice);
        case Disturbance::gaps: return add_gaps(episode, 1.0 / 7, 1.0 / 3, dice);
        case Disturbance::drops: return drop_events(episode, 0.25, 0.5, dice);
        case Disturbance::clocks:
            turn_clocks(episode, 10, dice);
            return move(episode, Duration{std::chrono::hours(24 * 365)});
        case Disturbance::mixed:
            add_noise(episode, 0.05, dice);
            add_gaps(episode, 0.07, 0.15, dice);
            drop_events(episode, 0.1, 0.25, dice);
            turn_clocks(episode, 3, dice);
            return add_delay(episode, 2, 0.1, dice);
        case Disturbance::second: return add_noise(episode, 0.03, dice);
    }
}

Episode lay_over(const Episode& first, const Episode& second, Dice& dice, Duration& apart) {
    Episode both = first, other = second;
    rename_cluster(other, other.targets.begin()->second.cluster, second_cluster);
    apart = milliseconds(between(dice, -20, 20));
    move(other, first.fault_at - other.fault_at + apart);
    const std::size_t offset = both.series.size();
    both.series.insert(both.series.end(), other.series.begin(), other.series.end());
    for (Look& look : other.looks) {
        for (auto& [id, value] : look.samples) id += offset;
        both.looks.push_back(std::move(look));
    }
    std::ranges::stable_sort(both.looks, {}, &Look::heard);
    both.targets.insert(other.targets.begin(), other.targets.end());
    return both;
}

}  // namespace medic::ranking_test
