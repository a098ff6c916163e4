// medic-sim: runs simulated incidents from seeds. Exits with 1 on a violation, 64 on wrong usage.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tests/simulation/compare.h"
#include "tests/simulation/mutations.h"
#include "tests/simulation/run.h"
#include "tests/simulation/shrink.h"

namespace {

using medic::simulation::RunResult;

struct Settings {
    std::uint64_t seed = 0, first = 1, seeds = 1;
    int minutes = 10, jobs = 1, seconds_max = 0;
    std::string output = "text", without;
    bool mutations = false, compare = false, shrink = false;
    [[nodiscard]] bool json() const { return output == "json"; }
};

// What all seeds gave together. Any thread.
class Sum {
public:
    void add(std::uint64_t seed, const RunResult& result) {
        const std::lock_guard guard(mutex_);
        ++seeds;
        for (const auto& text : result.violations) std::cerr << "VIOLATION seed " << seed << ": " << text << "\n";
        if (seeds % told_every == 0)
            std::cerr << seeds << " seeds, " << incidents << " incidents, " << violations.size() << " violations\n";
        incidents += result.incidents;
        for (const auto& [name, count] : result.outcomes) outcomes[name] += count;
        for (const auto& [name, count] : result.probes) probes[name] += count;
        for (const auto& text : result.violations) violations.emplace(seed, text);
    }
    [[nodiscard]] std::vector<std::string> unreached() const {
        std::vector<std::string> names;
        for (const auto& name : medic::simulation::expected_probes())
            if (!probes.contains(name)) names.push_back(name);
        return names;
    }

    std::uint64_t seeds = 0, incidents = 0;
    std::map<std::string, std::uint64_t> outcomes, probes;
    std::multimap<std::uint64_t, std::string> violations;

private:
    static constexpr std::uint64_t told_every = 1'000;
    std::mutex mutex_;
};

// Each seed is whole in itself, so the order in which threads take them changes nothing.
void run_seeds(const Settings& settings, Sum& sum) {
    using Clock = std::chrono::steady_clock;
    const auto begun = Clock::now();
    std::atomic<std::uint64_t> next{settings.first};
    const auto work = [&] {
        for (std::uint64_t seed = next++; seed < settings.first + settings.seeds; seed = next++) {
            if (settings.seconds_max > 0 && Clock::now() - begun >= std::chrono::seconds(settings.seconds_max)) return;
            const auto result =
                medic::simulation::run({.seed = seed, .minutes = settings.minutes, .without = settings.without});
            sum.add(seed, result);
            if (settings.seed != 0 && !settings.json()) std::cout << result.story;
        }
    };
    std::vector<std::jthread> threads;
    for (int i = 0; i < settings.jobs; ++i) threads.emplace_back(work);
}

void print_text(const Sum& sum) {
    for (const auto& [name, count] : sum.outcomes)
        std::printf("%8llu  %s\n", static_cast<unsigned long long>(count), name.c_str());
    for (const auto& [seed, text] : sum.violations) std::cout << "VIOLATION seed " << seed << ": " << text << "\n";
    std::cout << sum.seeds << " seeds, " << sum.incidents << " incidents, " << sum.violations.size()
              << " violations; probes not reached: " << nlohmann::json(sum.unreached()).dump() << "\n";
}

void print_json(const Settings& settings, const Sum& sum) {
    nlohmann::json violations = nlohmann::json::array();
    for (const auto& [seed, text] : sum.violations) violations.push_back({{"seed", seed}, {"violation", text}});
    const nlohmann::json report{{"schema", 1},
                                {"seeds", sum.seeds},
                                {"first", settings.first},
                                {"incidents", sum.incidents},
                                {"violations", violations},
                                {"probes_unreached", sum.unreached()},
                                {"outcomes", sum.outcomes},
                                {"probes", sum.probes}};
    std::cout << report.dump(2) << "\n";
}

// Exits with 1 when a protection is missed by no checker.
int try_mutations(const Settings& settings) {
    nlohmann::json rows = nlohmann::json::array();
    bool all_noticed = true;
    for (const auto& mutation : medic::simulation::all_mutations()) {
        std::set<std::string> noticed;
        std::uint64_t needed = 0;
        while (noticed.empty() && needed < settings.seeds) {
            const auto result = medic::simulation::run(
                {.seed = settings.first + needed++, .minutes = settings.minutes, .without = mutation.name});
            for (const auto& violation : result.violations) noticed.insert(violation.substr(0, violation.find(':')));
        }
        std::string checker;
        for (const auto& name : noticed) checker += (checker.empty() ? "" : ", ") + name;
        all_noticed = all_noticed && !checker.empty();
        if (settings.json())
            rows.push_back({{"protection", mutation.name}, {"checkers", noticed}, {"seeds", needed}});
        else
            std::printf("%-22s %5llu  %-40s %s\n", mutation.name.c_str(), static_cast<unsigned long long>(needed),
                        checker.empty() ? "(none)" : checker.c_str(), mutation.what.c_str());
        std::fflush(stdout);
    }
    if (settings.json()) std::cout << nlohmann::json{{"schema", 1}, {"mutations", rows}}.dump(2) << "\n";
    return all_noticed ? 0 : 1;
}

// Exits with 1 when the seed breaks something: it still does.
int shrink_seed(const Settings& settings) {
    constexpr std::size_t runs_max = 3'000;  // Some minutes.
    using medic::simulation::Shrunk;
    const Shrunk shrunk =
        medic::simulation::shrink({.seed = settings.first, .minutes = settings.minutes, .without = settings.without},
                                  runs_max, [](const Shrunk& now) {
                                      std::cerr << now.runs << " runs: " << now.minutes << " min, "
                                                << now.result.happenings.size() << " happenings\n";
                                  });
    if (shrunk.checker.empty()) {
        std::cout << "seed " << settings.first << " breaks nothing\n";
        return 0;
    }
    std::cout << shrunk.result.story << "\nWhat is needed, " << shrunk.result.happenings.size() << " of "
              << shrunk.happenings_before << " happenings:\n"
              << medic::simulation::schedule_text(shrunk.result);
    for (const auto& text : shrunk.result.violations) std::cout << "VIOLATION " << text << "\n";
    return 1;
}

int compare_healers(const Settings& settings) {
    const auto results =
        medic::simulation::compare({.first = settings.first, .seeds = settings.seeds, .minutes = settings.minutes});
    if (!settings.json()) {
        std::cout << medic::simulation::comparison_text(results);
        return 0;
    }
    nlohmann::json arms = nlohmann::json::array();
    for (const auto& one : results)
        arms.push_back({{"healer", to_string(one.arm)},
                        {"job_available", one.job_available},
                        {"connector_available", one.connector_available},
                        {"recover_seconds_min", one.harmed_seconds},
                        {"troubles", one.troubles},
                        {"mended", one.mended},
                        {"left_to_people", one.left_to_people},
                        {"operations", one.operations},
                        {"harmful_total", one.harmful_total()},
                        {"harmful", one.harmful}});
    std::cout << nlohmann::json{{"schema", 1}, {"seeds", settings.seeds}, {"first", settings.first}, {"healers", arms}}
                     .dump(2)
              << "\n";
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Runs the agent's loop, guards, planner and journal against simulated clusters with seeded faults."};
    app.footer(
        "Examples:\n"
        "  medic-sim --seed 4711                       the story of one seed\n"
        "  medic-sim --seed 4711 --shrink              the shortest schedule of which it still fails\n"
        "  medic-sim --first 1 --seeds 1000 --jobs 2   a thousand seeds on two threads\n"
        "  medic-sim --seeds 1000000 --for 240         as many as four minutes allow\n"
        "  medic-sim --mutations --seeds 500           which checker notices that which protection is missing\n");
    Settings settings;
    app.add_option("--seed", settings.seed, "Run this one seed and tell its story");
    app.add_option("--seeds", settings.seeds, "How many seeds to run")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{10'000'000}));
    app.add_option("--first", settings.first, "The first of them");
    app.add_option("--for", settings.seconds_max, "Begin no further seed after so many seconds (0: no limit)");
    app.add_option("--jobs", settings.jobs, "Threads")->check(CLI::Range(1, 256));
    app.add_option("--minutes", settings.minutes, "Simulated minutes of faults per seed")->check(CLI::Range(1, 1'440));
    app.add_option("--without", settings.without, "Take this protection away, to see which checker notices")
        ->check([](const std::string& name) {
            return medic::simulation::is_mutation(name) ? std::string() : "no protection is called " + name;
        });
    app.add_flag("--mutations", settings.mutations,
                 "Take each protection away in turn, until a checker notices or --seeds have run; prints a table");
    app.add_flag("--shrink", settings.shrink,
                 "Leave out of --seed whatever its violation does not need; prints the rest");
    app.add_flag("--compare", settings.compare,
                 "Other healers against the same faults: availability, time to recover, harmful operations");
    app.add_option("-o", settings.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 64;
    }
    if (settings.seed != 0) settings.first = settings.seed, settings.seeds = 1, settings.jobs = 1;
    if (settings.shrink) return shrink_seed(settings);
    if (settings.compare) return compare_healers(settings);
    if (settings.mutations) return try_mutations(settings);
    Sum sum;
    run_seeds(settings, sum);
    if (settings.json())
        print_json(settings, sum);
    else
        print_text(sum);
    return sum.violations.empty() ? 0 : 1;
}
