// Runs drills: the same fault at the same moment on two labs, one with the agent and one without, and judges what it
// sees from outside.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/drill/agent_killer.h"
#include "engine/drill/agent_process.h"
#include "engine/drill/drill_case.h"
#include "engine/drill/scorecard.h"

namespace medic::engine::drill {

enum class WithoutAgent : std::uint8_t { run, skip };

struct RunnerOptions {
    std::string work_dir;  // Gets a folder for each lab.
    std::string engine_program, agent_program;
    lab::Profile profile;
    lab::WorkloadOptions workload;
    std::int64_t log_dir_capacity_bytes = 384LL << 20;  // Small enough to be filled within a drill.
    Duration patience{20'000};                          // For the arm without the agent.
    Duration agent_patience{90'000};                    // For the arm with it, before the drill counts as failed.
    lab::Leave leave = lab::Leave::nothing;
    WithoutAgent without = WithoutAgent::run;
    int agent_kills = 0;  // So often the agent is killed while it heals, at moments that `seed` chooses.
    std::uint64_t seed = 1;
    std::function<bool()> interrupted{};  // Asked all the while, from several threads; true ends the drills.
};

class Runner {
public:
    Runner(RunnerOptions options, lab::Progress progress)
        : options_(std::move(options)), progress_(std::move(progress)) {}

    // Errors only when a lab or the agent can't be had, or when it is interrupted; a drill that goes wrong is a result.
    // `next`, if any: its labs are started while nothing of this drill is measured any more.
    [[nodiscard]] Result<DrillResult> run(const DrillCase& drill, const DrillCase* next = nullptr);

private:
    struct Observed;
    struct Healed {  // The arm with the agent.
        std::unique_ptr<Platform> lab;
        std::unique_ptr<AgentProcess> agent;  // Watches the lab.
        Instant watched_since;

        void end() { agent.reset(), lab.reset(); }  // First the agent: it would heal a lab that ends.
    };

    [[nodiscard]] Status go_on() const;  // Error: interrupted.
    [[nodiscard]] Status prepare_arms(const DrillCase& drill);
    // The fault, in both arms. `by_hand` ends when a person would be through with it.
    [[nodiscard]] Result<Observed> inject(const DrillCase& drill, double wanted, std::future<Status>& by_hand);
    [[nodiscard]] Result<Healed> new_healed(const std::string& name, const LabShape& shape) const;
    [[nodiscard]] Result<std::unique_ptr<Platform>> new_lab(const std::string& name, const LabShape& shape) const;
    [[nodiscard]] Status settle(Platform& platform) const;
    [[nodiscard]] Status observe_until_decided(const DrillCase& drill, Observed& observed, const DrillCase* next,
                                               const AgentKiller& killer);
    void note_agents_view(Observed& observed) const;
    [[nodiscard]] std::string standstills(const Observed& observed) const;
    void check_effects(const DrillCase& drill, const std::vector<int>& before, const Observed& observed,
                       DrillResult& result) const;
    void finish(const DrillCase& drill, DrillResult& result);
    void start_alone(const LabShape& shape);
    void start_healed(const LabShape& shape);

    const RunnerOptions options_;
    const lab::Progress progress_;
    Healed healed_;
    LabShape shape_;                           // Of healed_.
    std::future<Result<Healed>> next_healed_;  // Being started; of next_healed_shape_.
    LabShape next_healed_shape_;
    std::unique_ptr<Platform> alone_;
    std::future<Result<std::unique_ptr<Platform>>> next_alone_;  // Being started; of next_alone_shape_.
    LabShape next_alone_shape_;
    int labs_made_ = 0;
    std::uint64_t drills_run_ = 0;
};

int run_drill(std::span<char*> args);  // `medic-engine drill …`

}  // namespace medic::engine::drill
