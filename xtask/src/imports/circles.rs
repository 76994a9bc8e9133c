//! Circles of a directed graph: its strongly connected parts of more than one node.

use std::collections::BTreeSet;

/// The nodes of each part in which every node reaches every other.
pub(super) fn find(nodes: usize, edges: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    let mut after = vec![BTreeSet::new(); nodes];
    for (from, to) in edges {
        after[from].insert(to);
    }
    let reached: Vec<_> = (0..nodes).map(|node| reached(node, &after)).collect();
    let mut circles = Vec::new();
    let mut seen = BTreeSet::new();
    for node in 0..nodes {
        if !seen.contains(&node) && reached[node].contains(&node) {
            let circle: Vec<_> =
                (0..nodes).filter(|&o| reached[node].contains(&o) && reached[o].contains(&node)).collect();
            seen.extend(circle.iter().copied());
            circles.push(circle);
        }
    }
    circles
}

/// The edges between the nodes of a circle.
pub(super) fn inside(circle: &[usize], edges: impl Iterator<Item = (usize, usize)>) -> Vec<(usize, usize)> {
    edges.filter(|(from, to)| circle.contains(from) && circle.contains(to)).collect()
}

/// All nodes that can be reached from one by at least one edge.
fn reached(from: usize, after: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        for &next in &after[node] {
            if found.insert(next) {
                open.push(next);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_chain_has_no_circle() {
        assert!(find(3, [(0, 1), (1, 2), (0, 2)].into_iter()).is_empty());
    }

    #[test]
    fn two_circles_are_told_apart() {
        let edges = [(0, 1), (1, 0), (1, 2), (2, 3), (3, 4), (4, 2)];
        assert_eq!(find(5, edges.into_iter()), [vec![0, 1], vec![2, 3, 4]]);
    }
}
