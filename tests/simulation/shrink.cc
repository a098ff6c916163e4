#include "tests/simulation/shrink.h"

#include <algorithm>

#include <fmt/format.h>

namespace medic::simulation {
namespace {

class Shrinking {
public:
    Shrinking(RunOptions options, std::size_t runs_max, const std::function<void(const Shrunk&)>& told)
        : options_(std::move(options)), runs_max_(runs_max), told_(told) {}

    Shrunk play() {
        best_.result = run(options_);
        best_.minutes = options_.minutes;
        best_.happenings_before = best_.result.happenings.size();
        best_.runs = 1;
        if (best_.result.violations.empty()) return best_;
        best_.checker = checker_of(best_.result.violations.front());
        shorten();
        leave_out();
        return best_;
    }

private:
    // Keeps the candidate if it still fails.
    bool fails(const RunOptions& candidate) {
        ++best_.runs;
        RunResult result = run(candidate);
        const bool same = std::ranges::any_of(result.violations,
                                              [&](const std::string& one) { return checker_of(one) == best_.checker; });
        if (!same) return false;
        options_ = candidate;
        best_.minutes = candidate.minutes;
        best_.result = std::move(result);
        told_(best_);
        return true;
    }

    void shorten() {
        for (int minutes = 1; minutes < options_.minutes && best_.runs < runs_max_; ++minutes) {
            RunOptions candidate = options_;
            candidate.minutes = minutes;
            if (fails(candidate)) return;
        }
    }

    void leave_out() {
        std::size_t size = best_.result.happenings.size();
        while (size > 0 && best_.runs < runs_max_) {
            if (!pass(size)) {
                size /= 2;
            } else {
                size = std::min(size, best_.result.happenings.size());
            }
        }
    }

    // Once over all happenings in pieces of a size; true: something could go.
    bool pass(std::size_t size) {
        bool gone = false;
        for (std::size_t from = 0; from < best_.result.happenings.size() && best_.runs < runs_max_;) {
            RunOptions candidate = options_;
            const auto& all = best_.result.happenings;
            for (std::size_t i = from; i < std::min(from + size, all.size()); ++i)
                candidate.left_out.insert(all[i].name());
            if (fails(candidate)) {
                gone = true;
            } else {
                from += size;
            }
        }
        return gone;
    }

    RunOptions options_;
    std::size_t runs_max_;
    const std::function<void(const Shrunk&)>& told_;
    Shrunk best_;
};

}  // namespace

std::string checker_of(const std::string& violation) { return violation.substr(0, violation.find(':')); }

Shrunk shrink(const RunOptions& options, std::size_t runs_max, const std::function<void(const Shrunk&)>& told) {
    return Shrinking(options, runs_max, told).play();
}

std::string schedule_text(const RunResult& result) {
    std::string text;
    for (const auto& one : result.happenings)
        text += fmt::format("{:>9} ms  {}{}{}\n", one.at.count(), one.kind, one.probe.empty() ? "" : ": ", one.probe);
    return text;
}

}  // namespace medic::simulation
