/**
 * Runs inside a page: which labels of its charts lie on a bar, and how far each label of an axis begins from the bar that it names, in
 * pixels; of the last label of an axis, where it ends.
 */
(() => {
  const boxOf = (element) => element.getBoundingClientRect();
  const cross = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const bars = [...document.querySelectorAll('.chart rect:not(.ground)')].map(boxOf);
  const labels = [...document.querySelectorAll('.plot .top, .axis span')].filter(
    (label) => boxOf(label).width > 0,
  );
  const offsets = [...document.querySelectorAll('.axis')].flatMap((axis) => {
    const grounds = [...axis.parentElement.querySelectorAll('.chart .ground')].map(boxOf);
    const spans = [...axis.children];
    const places = axis.classList.contains('minutes') ? [0, 15, 30, 45, 60] : [0, 7, 14, 21, 30];
    return spans.flatMap((span, at) => {
      const [box, bar] = [boxOf(span), grounds[places[at]]];
      if (box.width === 0) return [];
      return [at === spans.length - 1 ? box.right - bar.right : box.left - bar.left];
    });
  });
  return {
    labels: labels.length,
    overlaps: labels
      .filter((label) => bars.some((bar) => cross(boxOf(label), bar)))
      .map((label) => label.textContent),
    offsets,
  };
})();
