import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** The tree of a PromQL expression, of plain objects with the text of each node. */
export interface Node {
  readonly name: string;
  readonly text: string;
  readonly children: readonly Node[];
}

/** @throws Error where the syntax is wrong. */
export function parsePromql(expr: string): Node {
  const toNode = (node: SyntaxNode): Node => {
    if (node.type.isError) {
      throw new Error(`no PromQL at ${node.from}: ${expr}`);
    }
    const children: Node[] = [];
    for (let child = node.firstChild; child !== null; child = child.nextSibling) {
      children.push(toNode(child));
    }
    return { name: node.name, text: expr.slice(node.from, node.to), children };
  };
  return toNode(parser.parse(expr).topNode);
}

/** All nodes of a name, each with those that it is in, from the outside in. */
export function nodesOf(
  root: Node,
  name: string,
  above: readonly Node[] = [],
): { node: Node; above: readonly Node[] }[] {
  const inside = root.children.flatMap((child) => nodesOf(child, name, [...above, root]));
  return root.name === name ? [{ node: root, above }, ...inside] : inside;
}
