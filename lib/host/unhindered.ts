/**
 * Tells others from inside work that must go on, or from a call of the native part, after which Node drops errors.
 *
 * What a listener throws, including an `error` event without a listener, is an uncaught exception as from any emitter,
 * and no failure of whoever found the news.
 */
export function unhindered<News extends unknown[]>(tell: (...news: News) => void): (...news: News) => void {
  return (...news) => {
    try {
      tell(...news);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
}
