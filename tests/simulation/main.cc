// medic-sim: runs simulated incidents from seeds. Exits with 1 on a violation, 64 on wrong usage.
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tests/simulation/run.h"

int main(int argc, char** argv) {
    CLI::App app{"Runs the agent's loop, guards, planner and journal against simulated clusters with seeded faults."};
    std::uint64_t seed = 0, first = 1, seeds = 1;
    int minutes = 10;
    std::string output = "text", without_guard;
    app.add_option("--seed", seed, "Run this one seed and tell its story");
    app.add_option("--seeds", seeds, "How many seeds to run")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{10'000'000}));
    app.add_option("--first", first, "The first of them");
    app.add_option("--minutes", minutes, "Simulated minutes of faults per seed")->check(CLI::Range(1, 1'440));
    app.add_option("--without-guard", without_guard, "Remove this guard, to see which checker notices");
    app.add_option("-o", output, "text or json")->check(CLI::IsMember({"text", "json"}));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 64;
    }
    if (seed != 0) first = seed, seeds = 1;

    std::size_t incidents = 0;
    std::map<std::string, int> outcomes, probes;
    nlohmann::json violations = nlohmann::json::array();
    for (std::uint64_t one = first; one < first + seeds; ++one) {
        const auto result = medic::simulation::run({.seed = one, .minutes = minutes, .without_guard = without_guard});
        incidents += result.incidents;
        for (const auto& [name, count] : result.outcomes) outcomes[name] += count;
        for (const auto& [name, count] : result.probes) probes[name] += count;
        for (const auto& text : result.violations) violations.push_back({{"seed", one}, {"violation", text}});
        if (seed != 0 && output == "text") std::cout << result.story;
    }
    nlohmann::json unreached = nlohmann::json::array();
    for (const auto& name : medic::simulation::expected_probes())
        if (!probes.contains(name)) unreached.push_back(name);
    if (output == "json") {
        const nlohmann::json report{{"schema", 1},
                                    {"seeds", seeds},
                                    {"first", first},
                                    {"incidents", incidents},
                                    {"violations", violations},
                                    {"probes_unreached", unreached},
                                    {"outcomes", outcomes},
                                    {"probes", probes}};
        std::cout << report.dump(2) << "\n";
    } else {
        for (const auto& [name, count] : outcomes) std::printf("%8d  %s\n", count, name.c_str());
        for (const auto& violation : violations)
            std::cout << "VIOLATION seed " << violation["seed"] << ": " << violation["violation"].get<std::string>()
                      << "\n";
        std::cout << seeds << " seeds, " << incidents << " incidents, " << violations.size()
                  << " violations; probes not reached: " << unreached.dump() << "\n";
    }
    return violations.empty() ? 0 : 1;
}
