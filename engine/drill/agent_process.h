// The agent of the arm that has one: `medic agent`, started beside the lab with the two files that the lab wrote, and
// met only through its public API, as any user would.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/common/process.h"
#include "engine/lab/plan.h"

namespace medic::engine::drill {

// What the drills read of an incident.
struct IncidentView {
    std::string id, state, outcome;
    std::string side, cause, subject, remedy, summary;
    std::int64_t opened_ms = 0;    // Wall time.
    std::int64_t detected_ms = 0;  // 0: not yet.
    std::int64_t acted_ms = 0, healed_ms = 0;
    bool abstains = false;
};

// What surrounds the agent; as it stands, it is started plainly with the lab's own files.
struct AgentSurroundings {
    std::vector<std::string> wrapper;          // A program that becomes the agent (setpriv …); by its absolute path.
    std::vector<std::string> environment;      // "KEY=value", before ours.
    std::string configuration = "medic.yaml";  // In the lab's folder.

    friend bool operator==(const AgentSurroundings&, const AgentSurroundings&) = default;
};

class AgentProcess {
public:
    // `program` is medic. Returns when its API answers. Errors: unavailable, with the end of its log; not_ready
    // (another agent answers there already).
    [[nodiscard]] static Result<std::unique_ptr<AgentProcess>> start(const std::string& program,
                                                                     const lab::LabPlan& plan,
                                                                     AgentSurroundings surroundings = {});
    ~AgentProcess();
    AgentProcess(const AgentProcess&) = delete;
    AgentProcess& operator=(const AgentProcess&) = delete;

    // Newest first.
    [[nodiscard]] Result<std::vector<IncidentView>> incidents() const;
    // As `medic deploy` asks for it, by the person whose token the lab has written.
    [[nodiscard]] Status deploy(const std::string& version) const;
    // Likewise as `medic roll`: every node of that role.
    [[nodiscard]] Status roll(const std::string& role) const;
    // What waits for a person's agreement under that remedy is agreed to, by the person whose token the lab has
    // written. Nothing waits: fine.
    [[nodiscard]] Status agree_to(const std::string& remedy) const;
    // SIGKILL, and a new one on the same data: it must carry on.
    [[nodiscard]] Status kill_and_restart();
    [[nodiscard]] const ProcessId& id() const { return id_; }

private:
    AgentProcess(std::string program, lab::LabPlan plan, AgentSurroundings surroundings)
        : program_(std::move(program)), plan_(std::move(plan)), surroundings_(std::move(surroundings)) {}
    [[nodiscard]] Status launch();
    [[nodiscard]] Result<std::string> token() const;

    std::string program_;
    lab::LabPlan plan_;
    AgentSurroundings surroundings_;
    ProcessId id_;
};

}  // namespace medic::engine::drill
