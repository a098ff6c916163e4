#include "tests/live/nodes.h"

#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "agent/world/real/clock.h"
#include "engine/common/files.h"
#include "engine/lab/processes.h"

namespace medic::live {
namespace {

namespace fs = std::filesystem;
namespace lab = engine::lab;

// A broker moves its leaders away first, a worker its tasks.
constexpr Duration stop_grace{45'000};

// As a service manager does, the driver remembers whom it was asked to stop, and says so of a process that is gone.
std::string stopped_mark(const NodeCall& call) { return call.data_dir + "/stopped/" + call.node; }

void forget_stop(const NodeCall& call) {
    std::error_code ignored;
    fs::remove(stopped_mark(call), ignored);
}

Status stop(const NodeCall& call) {
    std::error_code ignored;
    fs::create_directories(call.data_dir + "/stopped", ignored);
    MEDIC_CHECK(engine::write_file_whole(stopped_mark(call), ""));
    const Instant from = read_clock().monotonic;
    const Status done = lab::stop_process(call.data_dir, call.node, stop_grace);
    // Killed in the end: systemd calls that `failed`.
    if (!done || read_clock().monotonic - from >= stop_grace) forget_stop(call);
    return done;
}

std::string status_of(const lab::LabState& state, const NodeCall& call) {
    auto said = nlohmann::json::parse(lab::status_json(state, call.node));
    if (said.at("pid") == 0) said["stopped_in_order"] = fs::exists(stopped_mark(call));
    return said.dump();
}

// A registered spare needs nothing to become a member: its slots are there already.
Status start(const NodeCall& call) {
    MEDIC_CHECK(lab::update_state(call.data_dir, [&](lab::LabState& state) -> Status {
        auto& process = state.processes[call.node];
        if (engine::is_alive(process.id)) process.standing = lab::Standing::running;
        return {};
    }));
    MEDIC_CHECK(lab::start_process(call.data_dir, call.node, lab::Standing::running));
    forget_stop(call);
    return {};
}

}  // namespace

Status call_node(const NodeCall& call) {
    MEDIC_TRY(const lab::LabState state, lab::load_state(call.data_dir));
    if (state.plan.find(call.node) == nullptr)
        return fail(ErrorCode::invalid, "no node {} in {}: see `make live-status`", call.node, call.data_dir);
    if (call.action == "status") {
        std::printf("%s\n", status_of(state, call).c_str());
        return {};
    }
    if (call.action == "stop") return stop(call);
    if (call.action == "kill") forget_stop(call);
    if (call.action == "start") return start(call);
    if (call.action == "start-spare") {
        MEDIC_CHECK(lab::start_process(call.data_dir, call.node, lab::Standing::spare));
        forget_stop(call);
        return {};
    }
    if (call.action == "kill") return lab::kill_process(call.data_dir, call.node);
    if (call.action == "freeze") return lab::signal_process(call.data_dir, call.node, SIGSTOP);
    if (call.action == "thaw") return lab::signal_process(call.data_dir, call.node, SIGCONT);
    return fail(ErrorCode::invalid, "no action `{}`: expected status, start, start-spare, stop, kill, freeze or thaw",
                call.action);
}

}  // namespace medic::live
