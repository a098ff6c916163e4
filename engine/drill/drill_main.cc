// `medic-engine drill NAME… | --all`.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>

#include "engine/common/options_internal.h"
#include "engine/common/process.h"
#include "engine/common/signals.h"
#include "engine/drill/runner.h"

namespace medic::engine::drill {
namespace {

namespace fs = std::filesystem;

struct Options {
    std::vector<std::string> names;
    bool all = false, only_agent = false;
    int repeat = 1, agent_kills = 0;
    std::uint64_t seed = 1;
    std::string patience = "20s", output = "text", profile = "default", work_dir;
    lab::WorkloadOptions workload;
};

Result<Duration> parse_seconds(std::string text) {
    if (text.ends_with('s')) text.pop_back();
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || value <= 0 || value > 3'600)
        return fail(ErrorCode::invalid, "--patience {}: expected seconds from 1 to 3600, as in 20s", text);
    return Duration(static_cast<std::int64_t>(value * 1000));
}

Result<std::vector<DrillCase>> chosen(const Options& options) {
    std::vector<DrillCase> known = cases::all_cases(), wanted;
    // Those that share a lab stand together: a lab of another shape is started anew, which takes its time.
    std::ranges::stable_sort(known, {}, &DrillCase::shape);
    if (options.all) return known;
    for (const auto& name : options.names) {
        const auto found = std::ranges::find(known, name, &DrillCase::name);
        if (found == known.end()) {
            std::string names;
            for (const auto& drill : known) names += " " + drill.name;
            return fail(ErrorCode::invalid, "no drill {}; there are:{}", name, names);
        }
        wanted.push_back(*found);
    }
    if (wanted.empty()) return fail(ErrorCode::invalid, "name a drill, or --all");
    return wanted;
}

// The labs' folder: given, or a new one that goes with the drills.
class WorkDir {
public:
    explicit WorkDir(const std::string& wanted) : path_(wanted), ours_(wanted.empty()) {
        if (!ours_) return;
        char folder[] = "/tmp/medic-drill-XXXXXX";
        path_ = ::mkdtemp(folder) != nullptr ? folder : "/tmp/medic-drill";
    }
    ~WorkDir() {
        std::error_code ignored;
        if (ours_) fs::remove_all(path_, ignored);
    }
    WorkDir(const WorkDir&) = delete;
    WorkDir& operator=(const WorkDir&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
    bool ours_;
};

Result<int> run_all(const Options& options) {
    MEDIC_TRY(const auto drills, chosen(options));
    MEDIC_TRY(const Duration patience, parse_seconds(options.patience));
    MEDIC_TRY(const lab::Profile profile, lab::find_profile(options.profile));
    const StopSignal stop;
    const WorkDir work_dir(options.work_dir);
    std::fprintf(stderr, "the labs are in %s\n", work_dir.path().c_str());
    const std::string program = own_executable();
    const bool as_json = options.output == "json";
    Runner runner({.work_dir = work_dir.path(),
                   .engine_program = program,
                   .agent_program = (fs::path(program).parent_path() / "medic").string(),
                   .profile = profile,
                   .workload = options.workload,
                   .patience = patience,
                   .leave = options.work_dir.empty() ? lab::Leave::nothing : lab::Leave::files,
                   .without = options.only_agent ? WithoutAgent::skip : WithoutAgent::run,
                   .agent_kills = options.agent_kills,
                   .seed = options.seed,
                   .interrupted = [&stop] { return stop.wait_for(Duration{0}); }},
                  [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
    Scorecard scorecard{.profile = lab::describe(profile)};
    for (int round = 0; round < options.repeat; ++round) {
        for (std::size_t i = 0; i < drills.size(); ++i) {
            const DrillCase& drill = drills[i];
            const bool last = i + 1 == drills.size() && round + 1 == options.repeat;
            MEDIC_TRY(DrillResult result, runner.run(drill, last ? nullptr : &drills[(i + 1) % drills.size()]));
            std::fprintf(stderr, "%s: %s\n\n", drill.name.c_str(),
                         !result.passed()        ? "FAILED"
                         : result.left_to_person ? "paused, for a person to end"
                                                 : "healed, nothing lost, nothing doubled");
            scorecard.results.push_back(std::move(result));
        }
    }
    std::fputs((as_json ? render_json(scorecard) : render_text(scorecard)).c_str(), stdout);
    return scorecard.passed() ? 0 : 1;
}

}  // namespace

int run_drill(std::span<char*> args) {
    Options options;
    CLI::App app("Injects faults into an embedded platform, with the agent and without it, and prints a scorecard",
                 "medic drill");
    app.add_option("names", options.names, "Drills to run");
    app.add_flag("--all", options.all, "Every drill");
    app.add_option("--repeat", options.repeat, "How often each is run; medians are printed")
        ->capture_default_str()
        ->check(CLI::Range(1, 100));
    app.add_option("--patience", options.patience, "How long the arm without the agent is given")
        ->capture_default_str();
    app.add_flag("--only-agent", options.only_agent, "Leave out the arm without the agent");
    app.add_option("--kill-agent", options.agent_kills,
                   "Kill the agent so often in each drill, at random moments of the first ten seconds")
        ->check(CLI::Range(0, 50));
    app.add_option("--seed", options.seed, "Chooses those moments")->capture_default_str();
    app.add_option("--profile", options.profile, "Time-outs of both arms: default (the products' own) or quick")
        ->capture_default_str();
    app.add_option("--rate", options.workload.records_per_second, "Events a second before the fault")
        ->capture_default_str();
    app.add_option("--work-dir", options.work_dir, "Folder for the labs (kept); a temporary one by default");
    app.add_option("-o,--output", options.output, "text or json")
        ->capture_default_str()
        ->check(CLI::IsMember({"text", "json"}));
    if (const auto exit_code = parse_options(app, args)) return *exit_code;
    const auto exit_code = run_all(options);
    if (exit_code) return *exit_code;
    std::fprintf(stderr, "%s\n", exit_code.error().message.c_str());
    return exit_code.error().code == ErrorCode::invalid ? 64 : 1;
}

}  // namespace medic::engine::drill
