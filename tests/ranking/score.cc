#include "tests/ranking/score.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "agent/api/json_internal.h"

namespace medic::ranking_test {
namespace {

constexpr Disturbance all_disturbances[disturbances] = {Disturbance::none,  Disturbance::noise, Disturbance::delay,
                                                        Disturbance::gaps,  Disturbance::drops, Disturbance::clocks,
                                                        Disturbance::mixed, Disturbance::second};

// splitmix64: neighbouring scenarios get unrelated seeds.
std::uint64_t mixed(std::uint64_t seed) {
    seed += 0x9e3779b97f4a7c15ULL;
    seed = (seed ^ (seed >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    seed = (seed ^ (seed >> 27U)) * 0x94d049bb133111ebULL;
    return seed ^ (seed >> 31U);
}

std::string percent(std::size_t part, std::size_t whole) {
    return whole == 0 ? "-" : fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string line(const std::string& name, const Count& count) {
    return fmt::format("{:<34} {:>6} {:>9} {:>9} {:>9} {:>10}\n", name, count.faults,
                       percent(count.first, count.faults), percent(count.three, count.faults),
                       percent(count.side, count.faults), percent(count.first_word, count.faults));
}

Json json_of(const Count& count) {
    return {{"faults", count.faults},
            {"first", count.first},
            {"first_three", count.three},
            {"side", count.side},
            {"first_word", count.first_word}};
}

bool happens(const Scenario& scenario, const Episode& base, Disturbance how) {
    return scenario.base == &base && scenario.how == how;
}

}  // namespace

Result<std::vector<Scenario>> scenarios_of(const std::vector<Episode>& episodes, const SetOptions& options) {
    std::vector<const Episode*> bases;
    for (const Episode& one : episodes)
        if (options.only.empty() || one.name == options.only) bases.push_back(&one);
    std::vector<Disturbance> ways;
    for (const Disturbance one : all_disturbances)
        if (options.how.empty() || to_string(one) == options.how) ways.push_back(one);
    if (bases.empty()) return fail(ErrorCode::invalid, "no episode {}", options.only);
    if (ways.empty()) return fail(ErrorCode::invalid, "no disturbance {}", options.how);
    const std::size_t wanted = options.scenarios > 0 ? options.scenarios : bases.size() * ways.size();
    std::vector<Scenario> scenarios;
    for (std::size_t i = 0; i < wanted; ++i) {
        Scenario& one = scenarios.emplace_back();
        one.base = bases[i % bases.size()];
        one.how = ways[i / bases.size() % ways.size()];
        one.seed = mixed(options.seed * 1'000'003 + i);
        if (one.how == Disturbance::second) one.second = &episodes[one.seed % episodes.size()];
    }
    return scenarios;
}

void Count::add(const Verdict& one) {
    ++faults;
    first += one.rank == 1 ? 1 : 0;
    three += one.rank && *one.rank <= 3 ? 1 : 0;
    side += one.side_right ? 1 : 0;
    first_word += one.first_word_right ? 1 : 0;
}

Count Scenarios::total(const std::function<bool(const Scenario&, const Verdict&)>& counts) const {
    Count count;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        for (const Verdict& one : outcomes[i].verdicts)
            if (counts(scenarios[i], one)) count.add(one);
    return count;
}

Count Scenarios::all() const {
    return total([](const auto&, const auto&) { return true; });
}

Count Scenarios::masking() const {
    return total([](const auto&, const Verdict& one) { return !one.episode->masking.empty(); });
}

std::size_t Scenarios::false_alarms() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(outcomes, [](const Outcome& one) { return one.told_before > 0; }));
}

Result<Scenarios> replay_all(std::vector<Scenario> scenarios) {
    Scenarios played;
    for (const Scenario& one : scenarios) {
        MEDIC_TRY(auto outcome, replay(one));
        played.outcomes.push_back(std::move(outcome));
    }
    played.scenarios = std::move(scenarios);
    return played;
}

std::string table(const std::vector<Episode>& episodes, const Scenarios& played) {
    std::string text =
        fmt::format("{:<34} {:>6} {:>9} {:>9} {:>9} {:>10}\n", "", "faults", "first", "first 3", "side", "first word");
    for (const Disturbance how : all_disturbances)
        text += line(std::string(to_string(how)),
                     played.total([&](const Scenario& one, const auto&) { return one.how == how; }));
    text += "\n";
    for (const Episode& base : episodes) {
        const Count count = played.total([&](const auto&, const Verdict& verdict) { return verdict.episode == &base; });
        if (count.faults > 0) text += line(base.name + (base.masking.empty() ? "" : " (masking)"), count);
    }
    text += "\n" + line("masking episodes", played.masking()) + line("all", played.all());
    text += fmt::format("\n{} scenarios; in {} something was told before any fault\n", played.scenarios.size(),
                        played.false_alarms());
    return text;
}

std::string misses(const Scenarios& played) {
    std::string text;
    for (std::size_t i = 0; i < played.outcomes.size(); ++i)
        for (const Verdict& one : played.outcomes[i].verdicts) {
            if (one.rank == 1) continue;
            const Scenario& scenario = played.scenarios[i];
            text += fmt::format("{} under {} (seed {}): {} of {} is {}; first is {}\n", one.episode->name,
                                to_string(scenario.how), scenario.seed, fmt::join(one.truth->causes, " or "),
                                one.truth->subject.empty() ? "anything" : one.truth->subject,
                                one.rank ? fmt::format("at place {}", *one.rank) : "not told",
                                one.instead.empty() ? "nothing" : one.instead);
        }
    return text;
}

std::string json(const std::vector<Episode>& episodes, const Scenarios& played) {
    Json out = {{"schema", 1},
                {"scenarios", played.scenarios.size()},
                {"all", json_of(played.all())},
                {"masking", json_of(played.masking())},
                {"false_alarms", played.false_alarms()},
                {"by_episode", Json::object()}};
    for (const Episode& base : episodes)
        for (const Disturbance how : all_disturbances) {
            const Count count = played.total([&](const Scenario& one, const Verdict& verdict) {
                return happens(one, base, how) && verdict.episode == &base;
            });
            if (count.faults > 0) out["by_episode"][base.name][std::string(to_string(how))] = json_of(count);
        }
    for (std::size_t i = 0; i < played.outcomes.size(); ++i)
        for (const Verdict& one : played.outcomes[i].verdicts) {
            Json verdict = {{"episode", one.episode->name},
                            {"disturbance", to_string(played.scenarios[i].how)},
                            {"seed", played.scenarios[i].seed},
                            {"truth", one.truth->causes},
                            {"subject", one.truth->subject},
                            {"rank", nullptr},
                            {"first", one.instead},
                            {"after_ms", nullptr}};
            if (one.rank) verdict["rank"] = *one.rank;
            if (one.after) verdict["after_ms"] = one.after->count();
            out["verdicts"].push_back(std::move(verdict));
        }
    return dump(out);
}

}  // namespace medic::ranking_test
