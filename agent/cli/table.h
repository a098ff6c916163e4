// Aligned columns for a person: a head, rows, two blanks between columns. Colour only where paint() gives it; a cell is
// one line, without controls.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/cli/terminal.h"

namespace medic::cli {

class Table {
public:
    // A head that ends in '>' aligns its column to the right.
    explicit Table(std::vector<std::string> head);
    void row(std::vector<std::string> cells, Tone tone = Tone::plain);
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    [[nodiscard]] std::size_t size() const { return rows_.size(); }
    // Each line begins with `indent` blanks; columns that hold nothing at all are left out.
    [[nodiscard]] std::string text(std::size_t indent = 2) const;

private:
    struct Row {
        std::vector<std::string> cells;
        Tone tone = Tone::plain;
    };
    std::vector<std::string> head_;
    std::vector<bool> right_;
    std::vector<Row> rows_;
};

// "1.2 TB", "830 kB": powers of 1000, as disks are sold.
[[nodiscard]] std::string bytes_text(double bytes);
// "12,345"
[[nodiscard]] std::string number_text(double number);
// Joined by ", ", at most `max` of them and then how many more.
[[nodiscard]] std::string listed(const std::vector<std::string>& items, std::size_t max);

}  // namespace medic::cli
