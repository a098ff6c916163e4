// Shared by the tests of remedies: a cluster, a diagnosis to speak about, and what a remedy makes of them. Tests only.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "remediations/planning/conditions.h"
#include "remediations/planning/planner.h"
#include "remediations/remedies/remedies.h"

namespace medic::remedy_test {

inline constexpr WallTime now{1'700'000'000'000};
inline const Subject job{"lab", "job", "fleet"};

class RemedyTest : public testing::Test {
protected:
    RemedyTest() {
        view_.now = now;
        view_.cluster.name = "lab";
        for (const char* name : {"tm-1", "tm-2", "tm-3"})
            view_.cluster.nodes.push_back({.name = name,
                                           .role = "taskmanager",
                                           .zone = std::string(name) == "tm-2" ? "b" : "a",
                                           .can_start = true,
                                           .can_kill = true});
        view_.cluster.nodes.push_back({.name = "broker-2", .role = "broker", .can_grow = true});
        view_.cluster.nodes.push_back({.name = "connect-1",
                                       .role = "connect-worker",
                                       .can_start = true,
                                       .can_kill = true,
                                       .can_kill_task = true});
        view_.cluster.deployments.push_back(
            {.job = "fleet", .savepoints = "/sp", .versions = {"v1", "v2"}, .parallelism = {}, .parallelism_max = 8});
    }

    NodeInfo& node(std::string_view name) {
        for (auto& one : view_.cluster.nodes)
            if (one.name == name) return one;
        throw std::invalid_argument("no such node");
    }
    void fact(const Subject& subject, std::string name, double value, std::string text = {}) {
        view_.facts.push_back({subject, std::move(name), value, std::move(text), now});
    }
    void about(std::string cause, Subject subject, std::map<std::string, std::string> facts) {
        diagnosis_.cause = std::move(cause);
        diagnosis_.subject = std::move(subject);
        diagnosis_.facts = std::move(facts);
    }
    Result<Plan> plan(std::string_view remedy) {
        return Planner(remedies::all_remedies()).plan(remedy, diagnosis_, view_);
    }
    std::vector<std::string> operations(std::string_view remedy) {
        const auto made = plan(remedy);
        EXPECT_TRUE(made) << (made ? "" : made.error().message);
        std::vector<std::string> result;
        if (made)
            for (const auto& step : made->steps)
                result.push_back(describe(Operation{.key = {}, .cluster = "lab", .body = step.operation}));
        return result;
    }
    ErrorCode refusal(std::string_view remedy) {
        const auto made = plan(remedy);
        EXPECT_FALSE(made);
        return made ? ErrorCode::internal : made.error().code;
    }

    Diagnosis diagnosis_;
    PlanningView view_;
};

}  // namespace medic::remedy_test
