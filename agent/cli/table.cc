#include "agent/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/base/plain_text.h"

namespace medic::cli {
namespace {

// Code points, which is what a terminal shows for all text that we print (no wide or combining signs).
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<std::string> head) : head_(std::move(head)) {
    for (std::string& one : head_) {
        right_.push_back(one.ends_with('>'));
        if (right_.back()) one.pop_back();
    }
}

void Table::row(std::vector<std::string> cells, Tone tone) {
    cells.resize(head_.size());
    for (std::string& one : cells) one = plain_line(one);
    rows_.push_back({std::move(cells), tone});
}

std::string Table::text(std::size_t indent) const {
    std::vector<std::size_t> widths(head_.size(), 0);
    for (std::size_t i = 0; i < head_.size(); ++i)
        for (const Row& row : rows_) widths[i] = std::max(widths[i], width(row.cells[i]));
    const auto line = [&](const std::vector<std::string>& cells) {
        std::string out(indent, ' ');
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (widths[i] == 0) continue;
            const std::size_t wide = std::max(widths[i], width(head_[i]));
            const std::string pad(wide - std::min(wide, width(cells[i])), ' ');
            out += (right_[i] ? pad + cells[i] : cells[i] + pad) + "  ";
        }
        out.erase(out.find_last_not_of(' ') + 1);
        return out;
    };
    std::string out = paint(line(head_), Tone::faint) + "\n";
    for (const Row& row : rows_) out += paint(line(row.cells), row.tone) + "\n";
    return out;
}

std::string bytes_text(double bytes) {
    static constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    std::size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < std::size(units); ++unit) bytes /= 1000;
    return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 100 ? 0 : 1, units[unit]);
}

std::string number_text(double number) {
    std::string digits = fmt::format("{:.0f}", number);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (digits.starts_with('-') ? 1 : 0); at -= 3)
        digits.insert(static_cast<std::size_t>(at), ",");
    return digits;
}

std::string listed(const std::vector<std::string>& items, std::size_t max) {
    std::string out;
    for (std::size_t i = 0; i < std::min(items.size(), max); ++i) out += (i == 0 ? "" : ", ") + items[i];
    if (items.size() > max) out += fmt::format(", and {} more", items.size() - max);
    return out;
}

}  // namespace medic::cli
