#include "tests/live/nodes.h"

#include <signal.h>

#include <cstdio>

#include "engine/lab/processes.h"

namespace medic::live {
namespace {

namespace lab = engine::lab;

// A broker moves its leaders away first, a worker its tasks.
constexpr Duration stop_grace{45'000};

// A registered spare needs nothing to become a member: its slots are there already.
Status start(const NodeCall& call) {
    MEDIC_CHECK(lab::update_state(call.data_dir, [&](lab::LabState& state) -> Status {
        auto& process = state.processes[call.node];
        if (engine::is_alive(process.id)) process.standing = lab::Standing::running;
        return {};
    }));
    return lab::start_process(call.data_dir, call.node, lab::Standing::running);
}

}  // namespace

Status call_node(const NodeCall& call) {
    MEDIC_TRY(const lab::LabState state, lab::load_state(call.data_dir));
    if (state.plan.find(call.node) == nullptr)
        return fail(ErrorCode::invalid, "no node {} in {}: see `make live-status`", call.node, call.data_dir);
    if (call.action == "status") {
        std::printf("%s\n", lab::status_json(state, call.node).c_str());
        return {};
    }
    if (call.action == "start") return start(call);
    if (call.action == "start-spare") return lab::start_process(call.data_dir, call.node, lab::Standing::spare);
    if (call.action == "stop") return lab::stop_process(call.data_dir, call.node, stop_grace);
    if (call.action == "kill") return lab::kill_process(call.data_dir, call.node);
    if (call.action == "freeze") return lab::signal_process(call.data_dir, call.node, SIGSTOP);
    if (call.action == "thaw") return lab::signal_process(call.data_dir, call.node, SIGCONT);
    return fail(ErrorCode::invalid, "no action `{}`: expected status, start, start-spare, stop, kill, freeze or thaw",
                call.action);
}

}  // namespace medic::live
