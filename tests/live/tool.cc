#include "tests/live/tool.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include "engine/common/process.h"

namespace medic::live {

Status run_tool(const std::string& data_dir, std::vector<std::string> argv, const std::string& package) {
    constexpr auto patience = std::chrono::seconds(20);
    constexpr auto poll = std::chrono::milliseconds(20);
    const std::string name = argv.front(), log = data_dir + "/logs/tools.log";
    if (!std::filesystem::exists(name))
        return fail(ErrorCode::unavailable, "{} is missing: install the package {}", name, package);
    MEDIC_TRY(const engine::ProcessId child, engine::spawn({.argv = std::move(argv), .log_file = log}));
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
        if (const auto exit = engine::reap(child)) {
            if (exit->code == 0 && exit->signal == 0) return {};
            return fail(ErrorCode::unavailable, "{} failed: see {}", name, log);
        }
        std::this_thread::sleep_for(poll);
    }
    engine::terminate(child, Duration(1'000));
    return fail(ErrorCode::unavailable, "{} did not end: see {}", name, log);
}

}  // namespace medic::live
