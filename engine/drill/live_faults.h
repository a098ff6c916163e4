// Faults that last: what a drill does to a lab beside a signal. They know its processes and the products' interfaces,
// as a person at the lab would. For the cases only.
#pragma once

#include <string>
#include <thread>
#include <utility>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "engine/drill/platform.h"

namespace medic::engine::drill {

// The task manager can open no descriptor beyond those that an idle one (a warm spare) has: whatever it is given fails.
// A new process is free of it.
[[nodiscard]] Status take_descriptors(const Platform& platform, const std::string& taskmanager);

// Somebody's pipeline that cannot leave it: a connector of its own, which copies the sink's topic into a file, and
// whose setting it changes to and fro until it is destroyed. A worker that refuses is asked again at the next turn.
class Flapping {
public:
    [[nodiscard]] static Result<Flapping> start(const Platform& platform, Duration every);

private:
    explicit Flapping(std::jthread thread) : thread_(std::move(thread)) {}
    std::jthread thread_;
};

}  // namespace medic::engine::drill
