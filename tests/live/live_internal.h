// What the live tests share: the running platform's folder, and programs run to their end. Test support.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "engine/common/process.h"
#include "engine/lab/state.h"

namespace medic::live {

inline std::string data_folder() {
    const char* folder = std::getenv("MEDIC_LIVE_DATA");
    return folder != nullptr ? folder : "";
}

inline std::string text_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Ended {
    int code = -1;
    std::string output;  // Both streams.
};

// Runs a program to its end; a generous deadline, as nothing is measured here.
inline Ended run_program(std::vector<std::string> argv) {
    constexpr auto patience = std::chrono::minutes(3);
    constexpr auto poll = std::chrono::milliseconds(50);
    char name[] = "/tmp/medic-live-output-XXXXXX";
    const int fd = ::mkstemp(name);
    if (fd >= 0) ::close(fd);
    Ended ended;
    if (const auto child = engine::spawn({.argv = std::move(argv), .log_file = name})) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < deadline) {
            if (const auto exit = engine::reap(*child)) {
                ended.code = exit->signal == 0 ? exit->code : 128 + exit->signal;
                break;
            }
            std::this_thread::sleep_for(poll);
        }
        if (ended.code == -1) engine::terminate(*child, Duration(1'000));
    }
    ended.output = text_of(name);
    std::filesystem::remove(name);
    return ended;
}

// medic-live with the platform's folder.
inline Ended run_live(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), MEDIC_BINARY_DIR "/tests/live/medic-live");
    arguments.insert(arguments.end(), {"--data", data_folder()});
    return run_program(std::move(arguments));
}

inline std::uint16_t port_of(const std::string& node, const std::string& port) {
    const auto state = engine::lab::load_state(data_folder());
    const auto* plan = state ? state->plan.find(node) : nullptr;
    return plan != nullptr && plan->ports.contains(port) ? plan->ports.at(port) : std::uint16_t{0};
}

inline std::string bootstrap() {
    const auto state = engine::lab::load_state(data_folder());
    EXPECT_TRUE(state) << state.error().message;
    return state ? state->plan.bootstrap() : "";
}

// One of Kafka's own command-line tools, by its class; what it printed.
inline std::string run_kafka_tool(const std::string& main_class, std::vector<std::string> arguments) {
    const auto live = nlohmann::json::parse(text_of(data_folder() + "/live.json"));
    std::vector<std::string> argv = {live.at("java").get<std::string>(),
                                     "-Xmx128m",
                                     "-XX:+UseSerialGC",
                                     "-XX:TieredStopAtLevel=1",
                                     "-Dlog4j.configuration=file:" + data_folder() + "/conf/tools-log4j.properties",
                                     "-Dlog4j2.configurationFile=" + data_folder() + "/conf/tools-log4j2.properties",
                                     "-cp",
                                     live.at("kafka_class_path").get<std::string>(),
                                     main_class,
                                     "--bootstrap-server",
                                     bootstrap()};
    argv.insert(argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
    const Ended ended = run_program(std::move(argv));
    EXPECT_EQ(ended.code, 0) << ended.output;
    return ended.output;
}

}  // namespace medic::live
