#include "tests/live/report/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>

#include "engine/common/files.h"
#include "engine/common/signals.h"
#include "tests/live/report/judge.h"

namespace medic::live {
namespace {

constexpr int tries_max = 3;  // What can't be had may be had a moment later, on a busy machine.

void tell(const std::string& line) {
    std::fprintf(stderr, "%s\n", line.c_str());
    std::fflush(stderr);
}

template <class T>
Result<std::vector<T>> chosen(std::vector<T> known, const std::vector<std::string>& names) {
    if (names.empty()) return known;
    std::vector<T> wanted;
    for (const std::string& name : names) {
        const auto found = std::ranges::find(known, name, &T::name);
        if (found == known.end()) return fail(ErrorCode::invalid, "no `{}`; there are:\n{}", name, list_faults());
        wanted.push_back(*found);
    }
    return wanted;
}

class Run {
public:
    explicit Run(const ReportOptions& options)
        : options_(options),
          judge_({.platform = options.platform,
                  .agent_program = options.agent_program,
                  .traces = options.file + ".traces",
                  .interrupted = [this] { return interrupted(); }},
                 tell) {}

    [[nodiscard]] bool interrupted() const { return stop_.wait_for(Duration{0}); }

    Status load() {
        MEDIC_TRY(const auto text, engine::read_file_if_there(options_.file));
        if (!text) return {};
        MEDIC_TRY(report_, parse_report(*text));
        return {};
    }

    Status faults() {
        MEDIC_TRY(const auto wanted, chosen(all_faults(), options_.names));
        for (const Fault& fault : wanted) {
            const FaultResult* kept = options_.resume ? find(report_.faults, fault.name) : nullptr;
            if (kept != nullptr && is_good(*kept)) continue;
            MEDIC_CHECK(made(fault.name, one(fault)));
        }
        MEDIC_CHECK(save());  // The page of what was kept as well.
        const std::vector<Fault> all = all_faults();
        const auto good = std::ranges::count_if(all, [&](const Fault& fault) {
            const FaultResult* result = find(report_.faults, fault.name);
            return result != nullptr && is_good(*result);
        });
        tell(fmt::format("{} of {} faults are as they must be on {}", good, all.size(), options_.platform.engines()));
        return verdict(wanted, report_.faults, [&](const FaultResult& result) { return is_good(result); });
    }

    Status friends() {
        MEDIC_TRY(const auto wanted, chosen(false_friends(), options_.names));
        for (const FalseFriend& look_alike : wanted) {
            const FriendResult* kept = options_.resume ? find(report_.friends, look_alike.name) : nullptr;
            if (kept != nullptr && kept->passed()) continue;
            MEDIC_CHECK(made(look_alike.name, one(look_alike)));
        }
        return verdict(wanted, report_.friends, [](const FriendResult& result) { return result.passed(); });
    }

private:
    // Whoever leaves out the other arm asks only for what the agent said and did.
    [[nodiscard]] Demands demands() const {
        return options_.without == WithoutAgent::skip ? Demands::outcome : Demands::everything;
    }

    [[nodiscard]] bool is_good(const FaultResult& result) const { return result.failures(demands()).empty(); }

    // One that can't be made does not keep the others from it: the verdict names it. Errors: the run is interrupted.
    Status made(const std::string& name, const Status& status) {
        if (status) return {};
        tell(fmt::format("{}: {}", name, status.error().message));
        if (interrupted()) return status;
        unmade_.push_back(name);
        return {};
    }

    // Of these engines: another pair's result is another one.
    template <class T>
    T* find(std::vector<T>& list, const std::string& name) {
        const auto found = std::ranges::find_if(
            list, [&](const T& one) { return one.name == name && one.engines == options_.platform.engines(); });
        return found == list.end() ? nullptr : &*found;
    }

    template <class T>
    void put(std::vector<T>& list, T result) {
        if (T* there = find(list, result.name))
            *there = std::move(result);
        else
            list.push_back(std::move(result));
    }

    template <class T, class Call>
    Result<T> tried(const Call& call) {
        for (int i = 1;; ++i) {
            Result<T> result = call();
            if (result || i == tries_max || interrupted()) return result;
            tell(result.error().message + ": once more");
        }
    }

    Status save() {
        MEDIC_CHECK(engine::write_file_whole(options_.file, render_report(report_)));
        return options_.page.empty() ? Status{} : engine::write_file_whole(options_.page, render_markdown(report_));
    }

    Status one(const FalseFriend& look_alike) {
        MEDIC_TRY(FriendResult result, tried<FriendResult>([&] { return judge_.calm(look_alike); }));
        put(report_.friends, std::move(result));
        return save();
    }

    Status one(const Fault& fault) {
        const Baseline* baseline = find(report_.baselines, fault.name);
        if (options_.without == WithoutAgent::run || (options_.without == WithoutAgent::keep && baseline == nullptr)) {
            MEDIC_TRY(Baseline measured, tried<Baseline>([&] { return judge_.without_agent(fault); }));
            put(report_.baselines, std::move(measured));
            MEDIC_CHECK(save());
            baseline = find(report_.baselines, fault.name);
        }
        std::vector<FaultResult> runs;
        for (int i = 0; i < options_.repeat; ++i) {
            MEDIC_TRY(FaultResult run, tried<FaultResult>([&] { return judge_.with_agent(fault); }));
            if (baseline != nullptr) {
                run.recover_without = baseline->recover;
                run.waited = baseline->waited;
                run.doubled_without = baseline->doubled;
            }
            runs.push_back(std::move(run));
        }
        FaultResult result = middle_of(std::move(runs), demands());
        const auto failures = result.failures(demands());
        tell(fmt::format("  {}{}", failures.empty() ? "ok" : "FAILS: ", fmt::join(failures, "; ")));
        put(report_.faults, std::move(result));
        return save();
    }

    template <class Wanted, class T, class Good>
    Status verdict(const std::vector<Wanted>& wanted, std::vector<T>& results, const Good& good) {
        std::vector<std::string> bad;
        for (const Wanted& each : wanted) {
            const T* result = find(results, each.name);
            const bool was_made = std::ranges::find(unmade_, each.name) == unmade_.end();  // Else it is an old one's.
            if (!was_made || result == nullptr || !good(*result)) bad.push_back(each.name);
        }
        if (bad.empty()) return {};
        return fail(ErrorCode::not_ready, "not as it must be: {}", fmt::join(bad, ", "));
    }

    const ReportOptions& options_;
    const engine::StopSignal stop_;
    Judge judge_;
    Report report_;
    std::vector<std::string> unmade_;
};

// Whoever has interrupted the run, or waits for it (make, a script), is to see it ended by that: the signal takes its
// usual way.
void take_signal() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
}

}  // namespace

std::string list_faults() {
    std::string text;
    for (const Fault& fault : all_faults()) text += fmt::format("  {:<22} {}\n", fault.name, fault.told);
    text += "with --false-friends:\n";
    for (const FalseFriend& one : false_friends()) text += fmt::format("  {:<22} {}\n", one.name, one.told);
    return text;
}

Status run_report(const ReportOptions& options) {
    Status status;
    {
        Run run(options);  // Its end is the platform's.
        status = run.load();
        if (status) status = options.false_friends ? run.friends() : run.faults();
    }
    take_signal();
    return status;
}

}  // namespace medic::live
