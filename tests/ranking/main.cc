// `medic-ranking`: replays recorded episodes under disturbances and prints how often the right cause is told first.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "tests/ranking/score.h"

namespace medic::ranking_test {
namespace {

struct Options {
    std::string folder = MEDIC_RANKING_EPISODES, output = "text";
    SetOptions set;
    bool story = false, list = false;
};

Result<int> play(const Options& options) {
    MEDIC_TRY(const auto episodes, read_episodes(options.folder));
    if (options.list) {
        for (const Episode& one : episodes)
            std::printf("%-32s %s%s\n", one.name.c_str(), one.fault.c_str(),
                        one.masking.empty() ? "" : ("; seen last: " + one.masking).c_str());
        return 0;
    }
    MEDIC_TRY(auto scenarios, scenarios_of(episodes, options.set));
    MEDIC_TRY(const Scenarios played, replay_all(std::move(scenarios)));
    if (options.output == "json") {
        std::fputs(json(episodes, played).c_str(), stdout);
        return 0;
    }
    if (options.story)
        for (std::size_t i = 0; i < played.outcomes.size(); ++i) {
            std::printf("%s under %s, seed %llu\n", played.scenarios[i].base->name.c_str(),
                        std::string(to_string(played.scenarios[i].how)).c_str(),
                        static_cast<unsigned long long>(played.scenarios[i].seed));
            for (const std::string& line : played.outcomes[i].story) std::printf("  %s\n", line.c_str());
        }
    std::fputs(table(episodes, played).c_str(), stdout);
    std::printf("\nNot told first:\n%s", misses(played).c_str());
    return 0;
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app(
        "Replays recorded episodes of real faults to the agent's rules, analyzers and diagnosis, disturbed, and "
        "tells how often the right cause comes first",
        "medic-ranking");
    app.add_option("--episodes", options.folder, "Folder of the episodes")->capture_default_str();
    app.add_option("--seed", options.set.seed, "Chooses every disturbance")->capture_default_str();
    app.add_option("--scenarios", options.set.scenarios,
                   "How many; by default every episode under every disturbance, once");
    app.add_option("--only", options.set.only, "One episode");
    app.add_option("--disturbance", options.set.how, "One of none, noise, delay, gaps, drops, clocks, mixed, second");
    app.add_flag("--story", options.story, "Each change of what is told");
    app.add_flag("--list", options.list, "Only the episodes' names");
    app.add_option("-o,--output", options.output, "text or json")
        ->capture_default_str()
        ->check(CLI::IsMember({"text", "json"}));
    app.footer(
        "Examples:\n"
        "  build/medic-ranking                                  # every episode under every disturbance\n"
        "  build/medic-ranking --scenarios 1000 --seed 7 -o json\n"
        "  build/medic-ranking --only taskmanager-lost --disturbance gaps --scenarios 20 --story\n"
        "\nExit code: 0 done, 1 an episode could not be read, 64 wrong usage");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? 0 : 64;
    }
    const auto code = play(options);
    if (code) return *code;
    std::fprintf(stderr, "%s\n", code.error().message.c_str());
    return code.error().code == ErrorCode::invalid && options.set.only + options.set.how != "" ? 64 : 1;
}

}  // namespace
}  // namespace medic::ranking_test

int main(int argc, char** argv) { return medic::ranking_test::run(argc, argv); }
