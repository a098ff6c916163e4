// A unified diff from edits that are known: no comparing of files is needed.
#include <fmt/format.h>

#include <algorithm>

#include "agent/discovery/update.h"

namespace medic::discovery {
namespace {

constexpr std::size_t context = 3;

std::size_t consumed(const LineEdit& edit) { return edit.replaces ? 1 : 0; }

struct Hunk {
    std::size_t old_from = 0, old_count = 0, new_from = 0, new_count = 0;
    std::string body;

    void keep(const std::vector<std::string>& lines, std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) body += " " + lines[i] + "\n";
        old_count += to - from;
        new_count += to - from;
    }
    [[nodiscard]] std::string text() const {
        // An empty side begins at the line before it: that is how unified diffs count.
        return fmt::format("@@ -{},{} +{},{} @@\n{}", old_count == 0 ? old_from : old_from + 1, old_count,
                           new_count == 0 ? new_from : new_from + 1, new_count, body);
    }
};

}  // namespace

std::string unified(const std::string& path, const std::vector<std::string>& old_lines, std::vector<LineEdit> edits) {
    if (edits.empty()) return "";
    std::ranges::stable_sort(edits, {}, &LineEdit::at);
    std::string out = "--- " + path + "\n+++ " + path + "\n";
    std::size_t shift = 0;  // Lines that earlier hunks have added.
    for (std::size_t first = 0; first < edits.size();) {
        std::size_t last = first;
        while (last + 1 < edits.size() && edits[last + 1].at <= edits[last].at + consumed(edits[last]) + 2 * context)
            ++last;
        Hunk hunk;
        hunk.old_from = edits[first].at < context ? 0 : edits[first].at - context;
        hunk.new_from = hunk.old_from + shift;
        std::size_t at = hunk.old_from;
        for (std::size_t i = first; i <= last; ++i) {
            hunk.keep(old_lines, at, edits[i].at);
            at = edits[i].at;
            if (edits[i].replaces) {
                hunk.body += "-" + old_lines[at++] + "\n";
                ++hunk.old_count;
            }
            for (const std::string& line : edits[i].lines) hunk.body += "+" + line + "\n";
            hunk.new_count += edits[i].lines.size();
        }
        hunk.keep(old_lines, at, std::min(at + context, old_lines.size()));
        out += hunk.text();
        shift += hunk.new_count - hunk.old_count;
        first = last + 1;
    }
    return out;
}

}  // namespace medic::discovery
