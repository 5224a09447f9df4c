"""Is a challenger better than the champion?"""
