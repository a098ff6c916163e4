// Makes one fault at a time on the platform, with the agent or without it, and judges from outside what became of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/drill/agent_process.h"
#include "tests/live/plan.h"
#include "tests/live/report/fault.h"
#include "tests/live/report/flow_watch.h"
#include "tests/live/report/results.h"

namespace medic::live {

struct JudgeOptions {
    LiveOptions platform;
    std::string agent_program;
    std::string traces;  // Folder: what the agent said and logged of each fault, for whoever reads the result.
    Duration alone_patience{60'000};         // What the engines alone are given.
    std::function<bool()> interrupted = {};  // A person wants it to end.
};

class Judge {
public:
    Judge(JudgeOptions options, Progress progress) : options_(std::move(options)), progress_(std::move(progress)) {}
    ~Judge();  // Ends what it started.
    Judge(const Judge&) = delete;
    Judge& operator=(const Judge&) = delete;

    // Errors only when the platform or the agent can't be had; whatever else goes wrong is in the result.
    [[nodiscard]] Result<FaultResult> with_agent(const Fault& fault);
    [[nodiscard]] Result<Baseline> without_agent(const Fault& fault);
    [[nodiscard]] Result<FriendResult> calm(const FalseFriend& look_alike);

private:
    struct Turn;  // What is observed of one fault.

    enum class Agent : std::uint8_t { there, away };
    [[nodiscard]] Status prepare(Agent agent, Duration history, const Needs& needs = {},
                                 const engine::drill::AgentSurroundings& surroundings = {});
    [[nodiscard]] Status platform_is_up(const Needs& needs);
    [[nodiscard]] Status agent_is_calm(const engine::drill::AgentSurroundings& surroundings);
    [[nodiscard]] bool interrupted() const { return options_.interrupted && options_.interrupted(); }
    // Interrupted: the fault is cleared. Errors: unavailable.
    [[nodiscard]] Status goes_on(const std::function<Status(Site&)>& clear);
    [[nodiscard]] Result<Turn> begin(const std::function<Status(Site&)>& inject, FlowName flow, Counts counts);
    void observe(const Fault& fault, Turn& turn, Duration patience);
    void note_incidents(Turn& turn) const;
    void take_words(const Fault& fault, const Turn& turn, FaultResult& result) const;
    [[nodiscard]] bool agent_answers() const;
    // The person's part, and the count of records.
    void finish(const std::function<Status(Site&)>& clear, FlowName flow, Turn& turn);
    void keep_traces(const std::string& name) const;
    void end_platform();

    const JudgeOptions options_;
    const Progress progress_;
    std::unique_ptr<Site> site_;
    std::unique_ptr<engine::drill::AgentProcess> agent_;
    engine::drill::AgentSurroundings surroundings_;  // In which it was started.
    Instant watched_since_{};
    bool ours_ = false;  // The platform was started here.
};

}  // namespace medic::live
